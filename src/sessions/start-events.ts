/**
 * What the start of a session reports: that it was, and whether its user was never seen on such a
 * device. A session that a backend keeps starts when it is created. One that is handed to a browser
 * starts when that browser exchanges the code, because only then is there a device to tell of.
 */
import { and, eq, exists, isNotNull, ne, not, or, type SQL, sql } from 'drizzle-orm';
import type { Home } from '../db/d1';
import { userSessions } from '../db/schema';
import { lastSignal, type Signals } from '../risk/signals';
import { type Actor, type EventDetails, recordWhere } from '../security-log/record';

export interface Start {
  sessionId: string;
  /** The session's user, or SQL that gives it; null: a guest. */
  userId: string | SQL | null;
  /** Who asked for the session, and by which client. */
  by: Actor;
  clientId: string;
  signals: Signals;
}

/**
 * The statements that report a start, where `condition` finds the session. Their ids are drawn
 * here, so make them once for a transaction that may be run again.
 */
export function recordStart(
  home: Home,
  start: Start,
  { condition, requestId, now }: { condition: SQL | undefined; requestId: string; now: number },
) {
  const { by, clientId, signals } = start;
  const details: EventDetails = { by, client_id: clientId, context: signals };
  const record = (type: 'session_created' | 'new_device', when?: SQL) => {
    const event = { id: crypto.randomUUID(), type, details };
    const statement = recordWhere(home, event, { condition: and(condition, when), requestId, now });
    return { id: event.id, statement };
  };
  const events = [record('session_created')];
  // A device that tells nothing of itself is neither known nor new, and a guest has no other.
  if (signals.browser !== null && start.userId !== null)
    events.push(record('new_device', isNewDevice(home, start, start.userId)));
  return {
    statements: events.map(({ statement }) => statement),
    eventIds: events.map(({ id }) => id),
  };
}

/**
 * SQL: the user has other sessions, live or still kept, but none with this browser on this
 * platform.
 */
function isNewDevice(
  { db }: Home,
  { sessionId, signals }: Start,
  userId: string | SQL,
): SQL | undefined {
  const others = and(
    eq(userSessions.userId, userId),
    ne(userSessions.id, sessionId),
    isNotNull(userSessions.lastSignals),
    // A session that no browser has fetched yet is on no device.
    or(
      isNotNull(userSessions.rotatedAt),
      isNotNull(userSessions.userAgent),
      isNotNull(userSessions.ipAddress),
    ),
  );
  const same = and(
    others,
    sql`${lastSignal('browser')} is ${signals.browser}`,
    sql`${lastSignal('platform')} is ${signals.platform}`,
  );
  const any = (condition: SQL | undefined) =>
    exists(db.select({ one: sql`1` }).from(userSessions).where(condition));
  return and(any(others), not(any(same)));
}

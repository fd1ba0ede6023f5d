/**
 * The events of a session's start: `session_created`, and `new_device` where its user was never
 * seen on such a device. A session that a backend keeps starts when it is created. One that is
 * handed to a browser starts when that browser exchanges the code, because only then is the device
 * known.
 */
import { and, desc, isNotNull, isNull, not, or, type SQL, sql } from 'drizzle-orm';
import type { Home } from '../db/d1';
import type { Given } from '../db/prepared';
import { userSessions } from '../db/schema';
import { lastSignal, type Signals } from '../risk/signals';
import { type Actor, type EventDetails, insertEvents } from '../security-log/record';
import type { SupportActor } from './actor';

export interface Start {
  sessionId: string;
  /** The session's user, or SQL that gives it; null: a guest. */
  userId: string | SQL | null;
  /** The actor who asked for the session, and the client. */
  by: Actor;
  clientId: string;
  signals: Signals;
  /** The support staff who begin the session; null: the user does. */
  act: SupportActor | null;
}

/** The values of the two events, or placeholders for them. */
interface StartValues {
  sessionId: Given;
  userId: Given | SQL;
  createdId: Given;
  newDeviceId: Given;
  details: Given;
  browser: Given;
  platform: Given;
  requestId: Given;
  second: Given;
}

export function toStartDetails({
  by,
  clientId,
  signals,
  act,
}: Omit<Start, 'sessionId' | 'userId'>) {
  const details: EventDetails = {
    by,
    client_id: clientId,
    context: signals,
    ...(act !== null && { act }),
  };
  return JSON.stringify(details);
}

/**
 * Whether a start may be on a new device. A device that tells nothing of itself is neither known
 * nor new, and a guest has no other device.
 */
export function mayBeNewDevice({ userId, signals }: Pick<Start, 'userId' | 'signals'>): boolean {
  return signals.browser !== null && userId !== null;
}

/**
 * The statements that report a start, where `condition` finds the session. The ids of the events
 * are drawn here, so the statements have to be made once for a transaction that may be run again.
 */
export function recordStart(
  { db }: Home,
  start: Start,
  { condition, requestId, now }: { condition: SQL | undefined; requestId: string; now: number },
) {
  const [createdId, newDeviceId] = [crypto.randomUUID(), crypto.randomUUID()];
  const { browser, platform } = start.signals;
  const values = {
    createdId,
    newDeviceId,
    browser,
    platform,
    requestId,
    sessionId: start.sessionId,
    userId: start.userId ?? '',
    details: toStartDetails(start),
    second: Math.floor(now / 1000),
  };
  const { created, newDevice } = startStatements(db, values, condition);
  return mayBeNewDevice(start)
    ? { statements: [created, newDevice], eventIds: [createdId, newDeviceId] }
    : { statements: [created], eventIds: [createdId] };
}

export function startStatements(
  db: Home['db'],
  { createdId, newDeviceId, ...values }: StartValues,
  condition: SQL | undefined,
) {
  const created = { ...values, id: createdId, type: 'session_created' } as const;
  const support = { ...created, type: 'support_access' } as const;
  const newDevice = { ...values, id: newDeviceId, type: 'new_device' } as const;
  return {
    created: insertEvents(db, created, condition),
    support: insertEvents(db, support, condition),
    newDevice: insertEvents(db, newDevice, and(condition, isNewDevice(db, values))),
  };
}

/** Former sessions that are compared. A device that none of them used is new, or as good as new. */
const RECENT_SESSIONS = 100;

/**
 * SQL: the user has other sessions, live or still kept, but among the newest none with this browser
 * on this platform.
 */
function isNewDevice(
  db: Home['db'],
  {
    userId,
    sessionId,
    browser,
    platform,
  }: Pick<StartValues, 'userId' | 'sessionId' | 'browser' | 'platform'>,
): SQL | undefined {
  const { lastSignals, rotatedAt, userAgent, ipAddress, act } = userSessions;
  const recent = db
    .select({ lastSignals, rotatedAt, userAgent, ipAddress, act })
    .from(userSessions)
    .where(sql`${userSessions.userId} = ${userId} and ${userSessions.id} <> ${sessionId}`)
    // The index idx_user_sessions_uid has a user's rows in the order of their writing.
    .orderBy(desc(sql`rowid`))
    .limit(RECENT_SESSIONS);
  const others = and(
    isNotNull(lastSignals),
    // A device that support staff use is none of the user's.
    isNull(act),
    // A session that no browser has fetched yet is on no device.
    or(isNotNull(rotatedAt), isNotNull(userAgent), isNotNull(ipAddress)),
  );
  const same = and(
    others,
    sql`${lastSignal('browser')} is ${browser}`,
    sql`${lastSignal('platform')} is ${platform}`,
  );
  const any = (condition: SQL | undefined) =>
    sql`exists (select 1 from ${recent} as ${userSessions} where ${condition})`;
  return and(any(others), not(any(same)));
}

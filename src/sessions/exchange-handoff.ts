/**
 * Exchanges a hand-off code: the session leaves its first secret, which the code holds, for one
 * that only the browser gets. The condition of that one statement makes the code single-use: of any
 * number of exchanges at once, only one finds the first secret. The new secret is random and not
 * the ratchet's next, so that nobody who holds the code could make it.
 */
import { and, eq, exists, isNull, ne, type SQL, sql } from 'drizzle-orm';
import type { RiskPolicy } from '../config/risk';
import { randomSecret, sha256 } from '../crypto';
import { type Home, transact } from '../db/d1';
import { userSessions } from '../db/schema';
import { assess } from '../risk/assess';
import { fillUnknownSql, parseSignals, type Signals, toPatch } from '../risk/signals';
import { type RecordedEvent, reportTo } from '../security-log/record';
import { observe } from './observe';
import { BY_USER, endOne, type Revocation } from './revocation';
import { isLive, MOVED, type Moved, type Session } from './session';
import { recordStart } from './start-events';

/** The browser that redeems a code, as its request describes it. */
export interface RedeemingBrowser {
  userAgent: string | null;
  /**
   * The signals fill in what the backend did not say of the device, and the first refresh is
   * compared with them. Where they differ from what the backend said, that is reported.
   */
  signals: Signals;
  risk: RiskPolicy;
  /**
   * The session that the browser had until now: it is signed out in the same transaction (ASVS
   * 7.2.4).
   */
  replaces: string | null;
}

/**
 * Takes the session's first secret out of use and gives its successor; null when it was used before
 * or the session is over. One round trip.
 */
export async function exchangeHandoff(
  home: Home,
  {
    sessionId,
    clientId,
    secret,
    startedBy,
  }: { sessionId: string; clientId: string; secret: string; startedBy?: string },
  { userAgent, signals, risk, replaces }: RedeemingBrowser,
  revocation: Revocation,
): Promise<{ session: Session; secret: string; events: RecordedEvent[] } | Moved | null> {
  const { db } = home;
  const { policy, now } = revocation;
  const next = randomSecret();
  const [first, refreshToken] = await Promise.all([sha256(secret), sha256(next)]);
  const rotatedAt = new Date(now);
  const own = and(eq(userSessions.id, sessionId), eq(userSessions.clientId, clientId));
  // This holds also for a rerun where the run before was applied, because nobody else can have made
  // this hash.
  const exchanged = and(own, eq(userSessions.refreshToken, refreshToken));
  const isExchanged = exists(db.select({ one: sql`1` }).from(userSessions).where(exchanged));
  const replaced = and(
    eq(userSessions.id, replaces ?? ''),
    ne(userSessions.id, sessionId),
    isExchanged,
  );
  const end = endOne(home, replaced, BY_USER, revocation);
  const started =
    startedBy === undefined
      ? null
      : reportStart(home, { sessionId, startedBy, signals }, exchanged, revocation);
  const answers = await transact(home, () => ({
    before: db
      .select({ lastSignals: userSessions.lastSignals, movedTo: userSessions.movedTo })
      .from(userSessions)
      .where(eq(userSessions.id, sessionId)),
    exchange: db
      .update(userSessions)
      .set({
        refreshToken,
        rotatedAt,
        userAgent: sql`coalesce(${userSessions.userAgent}, ${userAgent})`,
        ipAddress: sql`coalesce(${userSessions.ipAddress}, ${signals.address})`,
        lastSignals: fillUnknownSql(toPatch(signals)),
      })
      .where(
        and(
          own,
          eq(userSessions.refreshToken, first),
          isNull(userSessions.rotatedAt),
          isLive(policy, now),
        ),
      ),
    ...end,
    start: started?.statements ?? null,
    started: started?.readBack ?? null,
    own: db.select().from(userSessions).where(exchanged),
  }));
  const [session] = answers.own;
  const [before] = answers.before;
  if (session === undefined) return before !== undefined && before.movedTo !== null ? MOVED : null;
  const events = [...answers.events, ...(answers.started ?? [])];
  const seenAt = session.createdAt.getTime();
  const last = parseSignals(before?.lastSignals ?? null);
  const assessment = assess(last, signals, { policy: risk, seenAt, now });
  if (assessment.level !== 'medium' && assessment.level !== 'high')
    return { session, secret: next, events };
  const details = { by: 'user', context: signals, risk: assessment } as const;
  const mismatch = { id: crypto.randomUUID(), type: 'mismatch', details } as const;
  const seen = await observe(home, session, mismatch, revocation);
  return { session, secret: next, events: [...events, ...seen] };
}

/** The start of the session on the browser's own device, once the code has been exchanged. */
function reportStart(
  home: Home,
  { sessionId, startedBy, signals }: { sessionId: string; startedBy: string; signals: Signals },
  exchanged: SQL | undefined,
  { reporting, now }: Revocation,
) {
  const { requestId } = reporting;
  const { db } = home;
  const user = db
    .select({ userId: userSessions.userId })
    .from(userSessions)
    .where(eq(userSessions.id, sessionId));
  const start = {
    sessionId,
    userId: sql`${user}`,
    by: 'client' as const,
    clientId: startedBy,
    signals,
    act: null,
  };
  const { statements, eventIds } = recordStart(home, start, {
    // The start of support staff's session was reported when it was created.
    condition: and(exchanged, isNull(userSessions.act)),
    requestId,
    now,
  });
  const report = reportTo(reporting, { written: eventIds, now });
  return { statements: [...statements, ...report.deliveries], readBack: report.readBack };
}

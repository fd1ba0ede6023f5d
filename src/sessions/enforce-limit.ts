/**
 * Brings a user within the limit, a slice in each transaction: a user who has more live sessions
 * than that, or so many that died of time that a create cannot look through them. First the dead
 * ones are marked with what they died of, then the oldest of the rest are evicted.
 */
import { and, desc, sql } from 'drizzle-orm';
import { type Home, transact } from '../db/d1';
import { LISTED_AT, userSessions } from '../db/schema';
import { type RecordedEvent, type Reporting, recordWhere, reportTo } from '../security-log/record';
import type { RevokedReason } from './end-reason';
import { isCounted, type SessionLimit } from './limits';
import { endOfSlice, isOpenOf, type Position, SLICE, sliceOfOpen, toPosition } from './open';
import { isLive, toDeathReason } from './session';

/**
 * Slices of each kind that one request does, because a Worker may ask D1 only a thousand times. The
 * next request does the rest.
 */
const MAX_SLICES = 60;

interface At {
  limit: SessionLimit;
  reporting: Reporting;
  now: number;
  /** The `seq` of the last event that the same request wrote before. */
  afterSeq: number;
}

/** Returns the events of live sessions that it ended. */
export async function enforceLimit(home: Home, userId: string, at: At): Promise<RecordedEvent[]> {
  await markDead(home, userId, at);
  return at.limit.max === null ? [] : evictOldest(home, userId, at);
}

/** Marks open sessions that died of time, so that they are open no longer. */
export async function markDead(
  home: Home,
  userId: string,
  { limit: { policies }, now }: Pick<At, 'limit' | 'now'>,
): Promise<void> {
  let after: Position | null = null;
  for (let slices = 0; slices < MAX_SLICES; slices += 1) {
    const slice = sliceOfOpen(home, userId, after);
    const isDead = and(sql`${userSessions.id} in ${slice}`, sql`not ${isLive(policies, now)}`);
    const { last } = await transact(home, () => ({
      last: endOfSlice(home, slice),
      marked: home.db
        .update(userSessions)
        .set({ revokedAt: new Date(now), revokedReason: toDeathReason(now) })
        .where(isDead),
    }));
    after = toPosition(last);
    if (after === null) return;
  }
}

/** Revokes the oldest live sessions above the limit, when no dead one is open. */
async function evictOldest(
  home: Home,
  userId: string,
  { limit, reporting, now, afterSeq }: At,
): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  const excess = home.db
    .select({ id: userSessions.id })
    .from(userSessions)
    .where(and(isOpenOf(userId), isCounted(limit), isLive(limit.policies, now)))
    // Of rows of the same second, the one that was written last is the newest.
    .orderBy(desc(LISTED_AT), desc(sql`rowid`))
    .limit(SLICE)
    .offset(limit.max ?? Number.MAX_SAFE_INTEGER);
  const isExcess = sql`${userSessions.id} in ${excess}`;
  const event = {
    id: null,
    type: 'session_evicted',
    details: { by: 'system', reason: 'evicted' },
  } as const;
  for (let slices = 0; slices < MAX_SLICES; slices += 1) {
    const written = { subject: userId, atMost: SLICE, after: events.at(-1)?.seq ?? afterSeq };
    const report = reportTo(reporting, { written, now });
    const { evicted, reported } = await transact(home, () => ({
      logged: recordWhere(home, event, {
        condition: isExcess,
        requestId: reporting.requestId,
        now,
      }),
      evicted: home.db
        .update(userSessions)
        .set({ revokedAt: new Date(now), revokedReason: 'evicted' satisfies RevokedReason })
        .where(isExcess)
        .returning({ id: userSessions.id }),
      deliveries: report.deliveries,
      reported: report.readBack,
    }));
    events.push(...reported);
    if (evicted.length < SLICE) break;
  }
  return events;
}

/**
 * Deletes dead rows, a bounded slice at a time: sessions that expired, were revoked or died of
 * inactivity longer ago than the retention, old idempotency keys and old events. A slice is one
 * transaction, which deletes the rows that are still dead by then, so runs may overlap or be cut
 * off anywhere. No rule depends on the clean-up: a dead session is refused by its row, not by its
 * absence.
 *
 * Expired and revoked sessions are found by an index that no refresh writes (dead-rows.ts),
 * inactive ones by a walk over the table (idle-walk.ts).
 */
import type { Home } from '../db/d1';
import { countSlice } from '../security-log/count-events';
import type { CleanupBounds, CleanupPolicy } from './cleanup-bounds';
import { readState, saveState } from './cleanup-state';
import {
  deleteEvents,
  deleteExpired,
  deleteIdempotencyKeys,
  deleteLapsed,
  deleteRevoked,
} from './dead-rows';
import { forgottenUpTo } from './idempotency-age';
import { walkForIdle } from './idle-walk';

export interface CleanupReport {
  expired: number;
  revoked: number;
  idle: number;
  idempotencyKeys: number;
  events: number;
  /** False: the budget ran out and dead rows are left for the next run. */
  finished: boolean;
  /**
   * Age beyond the retention of the oldest expired or revoked row that is left, in seconds; 0 when
   * there is none.
   */
  overdueSeconds: number;
  /** Whether the run before left less behind: then more rows die than are deleted. */
  isBacklogGrowing: boolean;
}

export async function cleanUp(
  home: Home,
  policy: CleanupPolicy,
  bounds: CleanupBounds,
  now: number,
): Promise<CleanupReport> {
  const startedAt = bounds.clock();
  const deadline = startedAt + bounds.budgetMs;
  const mayGoOn = () => bounds.clock() < deadline && home.usage.queries < bounds.maxQueries;
  const cutoff = new Date(now - policy.retentionSeconds * 1000);
  const before = await readState(home);

  const drain = async (deleteSlice: () => Promise<number>) => {
    let total = 0;
    while (mayGoOn()) {
      const started = bounds.clock();
      const deleted = await deleteSlice();
      total += deleted;
      if (deleted < bounds.sliceRows) return { total, finished: true };
      // Waits for as long as the slice took, because slices back to back would let hardly any other
      // query in between.
      await bounds.rest(bounds.clock() - started);
    }
    return { total, finished: false };
  };
  const expired = await drain(() => deleteExpired(home, cutoff, bounds.sliceRows));
  const revoked = await drain(() => deleteRevoked(home, cutoff, bounds.sliceRows));
  const keys = await drain(() => deleteIdempotencyKeys(home, forgottenUpTo(now), bounds.sliceRows));
  const events = await drain(() =>
    deleteEvents(home, new Date(now - policy.eventRetentionSeconds * 1000), bounds.sliceRows),
  );
  const lapsed = await drain(() => deleteLapsed(home, new Date(now), bounds.sliceRows));
  while (mayGoOn() && (await countSlice(home, now)));
  const idle = await walkForIdle(home, policy, bounds, { now, cursor: before.idleCursor, mayGoOn });

  const done = {
    expired: expired.total,
    revoked: revoked.total,
    idle: idle.total,
    idempotencyKeys: keys.total,
    events: events.total,
    finished: [expired, revoked, keys, events, lapsed, idle].every(({ finished }) => finished),
  };
  const durationMs = bounds.clock() - startedAt;
  const overdueSeconds = await saveState(home, {
    walk: idle,
    cutoff,
    run: { startedAt: new Date(now), durationMs, ...done },
  });
  return { ...done, overdueSeconds, isBacklogGrowing: overdueSeconds > before.overdueSeconds };
}

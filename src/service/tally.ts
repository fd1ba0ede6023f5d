/**
 * Counts events that are too frequent to be written each time: refreshes, and refusals, of which
 * many ask no database at all. An isolate counts them in memory. After an answer, and at most once
 * a minute, it adds its counts to the home that the request has just asked. Counts that were not
 * added yet are lost when the isolate ends, so these numbers are estimates (docs/metrics.md).
 *
 * Analytics Engine, where it is bound, gets a data point of each one at once.
 */
import type { D1Access } from '../db/d1-access';
import { addTallied } from '../security-log/count-events';
import type { Homes } from './open-homes';

const FLUSH_MS = 60_000;

export type TallyName = 'refreshes' | 'refusals';

export interface Tally {
  /** `label`: the outcome, or the code. */
  count: (name: TallyName, label: string, clientId?: string) => void;
  /** Sends a data point to Analytics Engine alone, for events that the cron counts. */
  point: (name: string, label: string, clientId?: string) => void;
  /** Adds the counts, after a request that asked a home; null: it is not time yet. */
  flush: (
    service: Pick<Homes, 'findHome'> & { now: () => number },
    access: D1Access,
  ) => Promise<void> | null;
}

export function createTally(dataset: AnalyticsEngineDataset | null): Tally {
  let counted = new Map<string, number>();
  let flushedAt: number | null = null;
  const add = (key: string, value: number) => counted.set(key, (counted.get(key) ?? 0) + value);
  const point: Tally['point'] = (name, label, clientId = '') =>
    // The index is the name, so that rare events are not sampled away for frequent ones.
    dataset?.writeDataPoint({ indexes: [name], blobs: [name, label, clientId], doubles: [1] });
  return {
    point,
    count: (name, label, clientId) => {
      point(name, label, clientId);
      add(JSON.stringify([name, label]), 1);
    },
    flush: ({ findHome, now }, access) => {
      const { lastHome } = access.usage;
      const home = lastHome === undefined ? null : findHome(lastHome, access);
      if (home === null || counted.size === 0) return null;
      flushedAt ??= now();
      if (now() - flushedAt < FLUSH_MS) return null;
      const due = counted;
      counted = new Map();
      flushedAt = now();
      // Where that failed, the next request that asks a database tries again.
      return addTallied(home, due, now()).catch(() => {
        for (const [key, value] of due) add(key, value);
      });
    },
  };
}

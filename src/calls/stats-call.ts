/** The numbers that operators look at (docs/metrics.md). */
import * as v from 'valibot';
import type { CleanupRun, Stats } from '../client/rpc';
import { toIso } from '../iso-time';
import { readStats } from '../service/read-stats';
import { toSnakeCase } from '../snake-case';
import { defineCall } from './call';
import { warnOf } from './views';

export type StatsView = Stats;

/** A month: of each hour there are as many rows as names and labels. */
const MAX_HOURS = 744;
const HOURS = `must be a whole number from 1 to ${MAX_HOURS}`;

export const stats = defineCall(
  'operate',
  v.strictObject({
    hours: v.optional(
      v.pipe(v.number(HOURS), v.integer(HOURS), v.minValue(1, HOURS), v.maxValue(MAX_HOURS, HOURS)),
      24,
    ),
  }),
  async (caller, service, { hours }) => {
    const read = await readStats(caller, service, hours);
    if (!read.ok) return read;
    const { since, counts, hourly, homes, unavailable } = read.stats;
    const value: Stats = {
      since: toTime(since),
      counts: counts.map(({ name, label, value, total }) => ({
        name,
        label,
        recent: value,
        total,
      })),
      hourly: hourly.map(({ hour, name, value }) => ({ hour: toTime(hour), name, value })),
      homes: homes.map(({ name, state, runs }) => ({
        home: name,
        active_sessions: state?.activeSessions ?? null,
        counted_until: toIso(state?.countedUntil ?? null),
        cleanup_runs: runs.map(({ id: _, startedAt, ...run }) => ({
          started_at: toIso(startedAt),
          ...(toSnakeCase(run) as Omit<CleanupRun, 'started_at'>),
        })),
      })),
      ...warnOf(unavailable),
    };
    return { ok: true, value };
  },
);

const toTime = (second: number) => toIso(new Date(second * 1000));

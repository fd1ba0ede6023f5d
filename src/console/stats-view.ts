/** The service's numbers as the overview shows them. */
import { rollups, sum } from 'd3-array';
import type { Stats } from '../client/rpc';

const HOUR_MS = 3_600_000;

/** Events that somebody else than the person may be behind, as the service's own list has them. */
export const SUSPICIOUS: ReadonlySet<string> = new Set([
  'reuse_detected',
  'mismatch',
  'answer_recovered',
]);

export interface StatsView {
  /** The beginning of each hour, in milliseconds since 1970. */
  times: number[];
  active: (number | null)[];
  started: number[];
  ended: number[];
  /** Estimates, as `refusals` are. */
  refreshes: number[];
  refusals: number[];
  /** null: no home has finished counting. */
  activeNow: number | null;
  startedRecently: number;
  endedRecently: number;
  /** The most first. */
  countries: { country: string; count: number }[];
  suspicious: { type: string; count: number }[];
}

export function toStatsView(stats: Stats, hours: number): StatsView {
  const since = Date.parse(stats.since ?? '');
  const times = Array.from({ length: hours }, (_, index) => since + index * HOUR_MS);
  const byHour = new Map(
    stats.hourly.map(({ hour, name, value }) => [`${name} ${Date.parse(hour ?? '')}`, value]),
  );
  const over = (name: string) => times.map((time) => byHour.get(`${name} ${time}`) ?? null);
  const eachHour = (name: string) => over(name).map((value) => value ?? 0);
  const recentOf = (name: string) =>
    rollups(
      stats.counts.filter((count) => count.name === name && count.recent > 0),
      (counts) => sum(counts, ({ recent }) => recent),
      ({ label }) => label,
    ).sort(([, a], [, b]) => b - a);
  const totalOf = (name: string) => sum(recentOf(name), ([, count]) => count);
  const known = stats.homes.filter(({ active_sessions: active }) => active !== null);
  return {
    times,
    active: over('active_sessions'),
    started: eachHour('sessions_started'),
    ended: eachHour('sessions_ended'),
    refreshes: eachHour('refreshes'),
    refusals: eachHour('refusals'),
    activeNow: known.length === 0 ? null : sum(known, ({ active_sessions: active }) => active ?? 0),
    startedRecently: totalOf('sessions_started'),
    endedRecently: totalOf('sessions_ended'),
    countries: recentOf('sessions_started_by_country').map(([country, count]) => ({
      country,
      count,
    })),
    suspicious: recentOf('events')
      .filter(([type]) => SUSPICIOUS.has(type))
      .map(([type, count]) => ({ type, count })),
  };
}

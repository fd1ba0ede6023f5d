/**
 * `GET /metrics`: the numbers of calls/stats-call.ts as Prometheus reads them (its text format,
 * 0.0.4). docs/metrics.md says what each number means, and which are estimates.
 */
import { type StatsView, stats } from '../../calls/stats-call';
import type { Service } from '../../service/service';
import type { AppContext } from '../context';
import { readQuery } from '../input';
import { answer } from '../refusals';
import { clientCallerOf } from '../request-caller';

/** Counters, by the name of their counts: the name of the metric, its label, and its help text. */
const COUNTERS: Readonly<Record<string, readonly [string, string, string]>> = {
  sessions_started: ['started', 'client_id', 'Sessions that started'],
  sessions_started_by_country: ['started_by_country', 'country', 'Sessions that started'],
  sessions_ended: ['ended', 'reason', 'Sessions that were ended or expired'],
  events: ['events', 'type', 'Events of the security log'],
  refreshes: ['refreshes', 'outcome', 'Refreshes (estimate)'],
  refusals: ['refusals', 'code', 'Refused requests (estimate)'],
};

type HomeStats = StatsView['homes'][0];

/** The gauges of each home. One that the home does not know is left out. */
const GAUGES: readonly [string, string, (home: HomeStats) => number | null | undefined][] = [
  ['active', 'Active sessions (estimate)', (home) => home.active_sessions],
  ['counted_until_timestamp_seconds', 'Counted so far', (home) => toSecond(home.counted_until)],
  [
    'last_cleanup_timestamp_seconds',
    'Last clean-up that got to its end',
    ({ cleanup_runs: [last] }) => toSecond(last?.started_at),
  ],
  [
    'last_cleanup_duration_seconds',
    'How long it took',
    ({ cleanup_runs: [last] }) => last && last.duration_ms / 1000,
  ],
  [
    'cleanup_overdue_seconds',
    'How far behind it was',
    ({ cleanup_runs: [last] }) => last?.overdue_seconds,
  ],
];

const toSecond = (time: string | null | undefined) => (time && Date.parse(time) / 1000) || null;

export const metrics = (service: Service) =>
  async function metrics(c: AppContext): Promise<Response> {
    readQuery(c, []);
    const value = answer(c, await stats(clientCallerOf(c), service, { hours: 1 }));
    return c.body(toText(value), 200, {
      'Content-Type': 'text/plain; version=0.0.4; charset=utf-8',
    });
  };

function toText({ counts, homes, unanswered_homes: away = [] }: StatsView): string {
  const lines: string[] = [];
  const add = (
    [name, help, type]: readonly [string, string, 'counter' | 'gauge'],
    label: string,
    samples: readonly (readonly [string, number | null | undefined])[],
  ) => {
    const metric = `edge_sessions_${name}`;
    lines.push(`# HELP ${metric} ${help}.`, `# TYPE ${metric} ${type}`);
    for (const [of, value] of samples)
      if (value != null)
        lines.push(
          `${metric}{${label}="${of.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"} ${value}`,
        );
  };
  for (const [name, [metric, label, help]] of Object.entries(COUNTERS))
    add(
      [`${metric}_total`, help, 'counter'],
      label,
      counts.filter((count) => count.name === name).map(({ label: of, total }) => [of, total]),
    );
  for (const [name, help, of] of GAUGES)
    add(
      [name, help, 'gauge'],
      'home',
      homes.map((home) => [home.home, of(home)]),
    );
  add(['home_up', 'Whether the home answered', 'gauge'], 'home', [
    ...homes.map(({ home }) => [home, 1] as const),
    ...away.map((home) => [home, 0] as const),
  ]);
  return `${lines.join('\n')}\n`;
}

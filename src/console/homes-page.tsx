/** The databases that people live in, and what the clean-up did in each. */
import type { HomeState, HomeStats } from '../client/rpc';
import { Frame, type Viewer } from './frame';
import { Badge, Table, Time, Unanswered } from './shown';

interface HomesProps {
  viewer: Viewer;
  homes: readonly HomeState[];
  stats: readonly HomeStats[];
  unanswered: readonly string[] | undefined;
}

/** Runs of each home, of those that are kept. */
const SHOWN_RUNS = 12;

export const HomesPage = ({ viewer, homes, stats, unanswered }: HomesProps) => (
  <Frame viewer={viewer} title="Homes" section="/homes">
    <h1>Homes</h1>
    <p class="lead">The databases that people live in, and the clean-up of each.</p>
    <Unanswered homes={unanswered} />
    <h2>Health</h2>
    <Table
      name="Homes"
      columns={['Home', 'State', 'Regions', 'New users', 'Active sessions#', 'Unfinished moves#']}
    >
      {homes.map((home) => (
        <tr>
          <th scope="row">{home.home}</th>
          <td>
            {home.answers ? (
              <Badge kind="ok" text="Answers" />
            ) : (
              <Badge kind="bad" text="Does not answer" />
            )}
          </td>
          <td>{[...home.regions, home.jurisdiction].filter(Boolean).join(', ') || '–'}</td>
          <td>{home.new_users}</td>
          <td class="num">
            {stats.find((one) => one.home === home.home)?.active_sessions?.toLocaleString('en') ??
              '–'}
          </td>
          <td class="num">{home.unfinished_moves?.toLocaleString('en') ?? '–'}</td>
        </tr>
      ))}
    </Table>
    {stats.map((one) => (
      <section>
        <h2>Clean-up of {one.home}</h2>
        {one.cleanup_runs.length === 0 ? (
          <p class="empty">It has not run yet. The Cron Trigger runs it every 15 minutes.</p>
        ) : (
          <Runs stats={one} now={viewer.now} />
        )}
      </section>
    ))}
  </Frame>
);

const COLUMNS = [
  'Started',
  'Result',
  'Took#',
  'Expired#',
  'Ended#',
  'Inactive#',
  'Events#',
  'Behind#',
];

const Runs = ({ stats: { home, cleanup_runs: runs }, now }: { stats: HomeStats; now: number }) => (
  <Table name={`Clean-up of ${home}`} columns={COLUMNS}>
    {runs.slice(0, SHOWN_RUNS).map((run) => (
      <tr>
        <th scope="row">
          <Time iso={run.started_at} now={now} />
        </th>
        <td>
          {run.finished ? (
            <Badge kind="ok" text="Finished" />
          ) : (
            <Badge kind="warn" text="Left some" />
          )}
        </td>
        <td class="num nowrap">{(run.duration_ms / 1000).toFixed(1)} s</td>
        {[run.expired, run.revoked, run.idle, run.events].map((count) => (
          <td class="num">{count.toLocaleString('en')}</td>
        ))}
        <td class="num nowrap">{Math.round(run.overdue_seconds / 60).toLocaleString('en')} min</td>
      </tr>
    ))}
  </Table>
);

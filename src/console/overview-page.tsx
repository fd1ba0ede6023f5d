/** The first page of an operator: how many are signed in, from where, and what needs a look. */
import type { AuditPage, HomeState, SecurityEvent, SigningKey, Stats } from '../client/rpc';
import { AuditTable } from './audit-page';
import { EventTable } from './event-table';
import { BASE, Frame, type Viewer } from './frame';
import { Bar, Plot } from './plot';
import { Table, toWords, Unanswered } from './shown';
import { toStatsView } from './stats-view';

/** How far back the numbers go, in hours. */
export const SPANS = { 24: '24 hours', 168: '7 days', 720: '30 days' } as const;
export type Span = keyof typeof SPANS;

interface OverviewProps {
  viewer: Viewer;
  span: Span;
  stats: Stats;
  homes: readonly HomeState[];
  /** null: the database that has them does not answer. */
  keys: readonly SigningKey[] | null;
  /** Deliveries that were given up, of all homes, up to 100 in each. */
  givenUp: number;
  audit: AuditPage;
  /** The newest, of all people. */
  suspicious: readonly SecurityEvent[];
}

export const OverviewPage = ({
  viewer,
  span,
  stats,
  audit,
  suspicious,
  ...state
}: OverviewProps) => {
  const view = toStatsView(stats, span);
  const { times, active, started, ended, refreshes, refusals } = view;
  return (
    <Frame viewer={viewer} title="Overview" section="">
      <div class="head">
        <h1>Overview</h1>
        <nav aria-label="Time span">
          <ul class="tabs">
            {Object.entries(SPANS).map(([hours, name]) => (
              <li>
                <a
                  href={`${BASE}?hours=${hours}`}
                  aria-current={Number(hours) === span ? 'true' : undefined}
                >
                  {name}
                </a>
              </li>
            ))}
          </ul>
        </nav>
      </div>
      <Unanswered homes={stats.unanswered_homes} />
      <Tiles {...state} view={view} span={span} />
      <div class="columns">
        <Plot title="Active sessions" times={times} series={[{ name: 'Active', values: active }]} />
        <Plot
          title="Sessions by the hour"
          times={times}
          series={[
            { name: 'Started', values: started },
            { name: 'Ended', values: ended },
          ]}
        />
      </div>
      <div class="columns">
        <Plot
          title="Refreshes by the hour, estimated"
          times={times}
          series={[{ name: 'Refreshes', values: refreshes }]}
        />
        <Plot
          title="Refusals by the hour, estimated"
          times={times}
          series={[{ name: 'Refusals', values: refusals }]}
        />
      </div>
      <div class="columns">
        <section>
          <h2>Sign-ins by country</h2>
          <Ranking
            name="Sign-ins by country"
            columns={['Country', 'Sign-ins#', 'Share']}
            rows={view.countries.map(({ country, count }) => [toCountry(country), count])}
            empty="Nobody signed in, or no request told where from."
          />
        </section>
        <section>
          <h2>Suspicious events</h2>
          <Ranking
            name="Suspicious events"
            columns={['Event', 'Times#', 'Share']}
            rows={view.suspicious.map(({ type, count }) => [toWords(type), count])}
            empty="None."
          />
        </section>
      </div>
      <h2>Newest that looks suspicious</h2>
      {suspicious.length === 0 ? (
        <p class="empty">Nothing among the last events.</p>
      ) : (
        <EventTable events={suspicious} now={viewer.now} name="Newest that looks suspicious" />
      )}
      <h2>Newest acts</h2>
      {audit.events.length === 0 ? (
        <p class="empty">Nobody has done anything to other people yet.</p>
      ) : (
        <AuditTable events={audit.events} now={viewer.now} />
      )}
    </Frame>
  );
};

const Tiles = ({
  view,
  span,
  homes,
  keys,
  givenUp,
}: Pick<OverviewProps, 'homes' | 'keys' | 'givenUp' | 'span'> & {
  view: ReturnType<typeof toStatsView>;
}) => {
  const answering = homes.filter(({ answers }) => answers).length;
  const signing = keys?.filter(({ state }) => state === 'signing').length;
  return (
    <dl class="tiles">
      <Tile name="Active sessions" value={view.activeNow ?? 'Counting'} note="An estimate" />
      <Tile name="Started" value={view.startedRecently} note={`In ${SPANS[span]}`} />
      <Tile name="Ended" value={view.endedRecently} note={`In ${SPANS[span]}`} />
      <Tile
        name="Homes"
        value={answering === homes.length ? 'All answer' : `${answering} of ${homes.length}`}
        note={`${homes.length} in all`}
      />
      <Tile
        name="Signing key"
        value={signing === undefined ? 'No answer' : signing === 1 ? 'Signing' : 'None'}
        note={keys === null ? 'See Homes' : `${keys.length} known`}
      />
      <Tile
        name="Webhooks given up"
        value={givenUp >= 100 ? '100 or more' : givenUp}
        note="Deliveries"
      />
    </dl>
  );
};

const Tile = ({ name, value, note }: { name: string; value: string | number; note: string }) => (
  <div>
    <dt>{name}</dt>
    <dd>
      {typeof value === 'number' ? value.toLocaleString('en') : value}
      <small>{note}</small>
    </dd>
  </div>
);

const SHOWN = 8;

/** The first few of a count, and the rest as one. */
const Ranking = ({
  name,
  columns,
  rows,
  empty,
}: {
  name: string;
  columns: readonly string[];
  rows: readonly (readonly [string, number])[];
  empty: string;
}) => {
  if (rows.length === 0) return <p class="empty">{empty}</p>;
  const rest = rows.slice(SHOWN).reduce((all, [, count]) => all + count, 0);
  const shown = rest === 0 ? rows : [...rows.slice(0, SHOWN), ['All others', rest] as const];
  const whole = shown.reduce((all, [, count]) => all + count, 0);
  return (
    <Table name={name} columns={columns}>
      {shown.map(([label, count]) => (
        <tr>
          <th scope="row">{label}</th>
          <td class="num">{count.toLocaleString('en')}</td>
          <td class="share">
            <Bar value={count} of={whole} />
            <span class="soft small">{Math.round((100 * count) / whole)} %</span>
          </td>
        </tr>
      ))}
    </Table>
  );
};

const COUNTRIES = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });

/** Cloudflare also says XX and T1 (Tor), which are no countries. */
const toCountry = (code: string): string =>
  code === 'T1' ? 'Tor' : (/^[A-Z]{2}$/.test(code) && COUNTRIES.of(code)) || code || 'Unknown';

/** Shows the deliveries that were not made, or were given up, and a way to make them again. */
import type { Delivery } from '../client/rpc';
import { ActForm, Done } from './acting';
import { BASE, Frame, type Viewer } from './frame';
import { Badge, Older, plural, Table, Time, toWords } from './shown';

export const STATES = {
  dead: 'Given up',
  pending: 'Waiting',
  refused: 'Refused, tried again',
} as const;
export type DeliveryState = keyof typeof STATES;

const KINDS = { dead: 'bad', refused: 'warn' } as const;

interface DeliveriesProps {
  viewer: Viewer;
  homes: readonly string[];
  home: string;
  state: DeliveryState;
  deliveries: readonly Delivery[];
  nextCursor: string | null;
  /** How many were just made due again; null: none was. */
  replayed: number | null;
}

const SELF = `${BASE}/webhooks`;

export const DeliveriesPage = (props: DeliveriesProps) => {
  const { viewer, homes, home, state, deliveries, nextCursor, replayed } = props;
  return (
    <Frame viewer={viewer} title="Webhooks" section="/webhooks">
      <div class="head">
        <div>
          <h1>Webhooks</h1>
          <p class="lead">Deliveries that have not arrived. What was delivered is not kept.</p>
        </div>
        {state === 'dead' && deliveries.length > 0 && (
          <a class="button" href={`${SELF}/replay?all=1`}>
            Replay all that were given up…
          </a>
        )}
      </div>
      {replayed !== null && <Done>{plural(replayed, 'delivery', 'deliveries')} due again.</Done>}
      <form action={SELF} class="fields">
        <label>
          State
          <select name="state">
            {Object.entries(STATES).map(([value, text]) => (
              <option value={value} selected={value === state}>
                {text}
              </option>
            ))}
          </select>
        </label>
        <label>
          Home
          <select name="home">
            {homes.map((name) => (
              <option value={name} selected={name === home}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" class="button">
          Show
        </button>
      </form>
      <h2>Deliveries</h2>
      {deliveries.length === 0 ? (
        <p class="empty">None.</p>
      ) : (
        <DeliveryTable deliveries={deliveries} now={viewer.now} />
      )}
      <Older href={`${SELF}?state=${state}&home=${encodeURIComponent(home)}`} cursor={nextCursor} />
    </Frame>
  );
};

const COLUMNS = ['Event', 'Endpoint', 'State', 'Attempts#', 'Next attempt', 'Last error', ''];

const DeliveryTable = ({ deliveries, now }: { deliveries: readonly Delivery[]; now: number }) => (
  <Table name="Deliveries" columns={COLUMNS}>
    {deliveries.map((delivery) => (
      <tr>
        <th scope="row">
          {toWords(delivery.event_type)}
          <p class="mono soft" title={delivery.event_id}>
            {delivery.event_id.slice(0, 8)}
          </p>
        </th>
        <td>{delivery.endpoint}</td>
        <td>
          <StateBadge state={delivery.state} />
        </td>
        <td class="num">{delivery.attempts}</td>
        <td>
          <Time iso={delivery.next_attempt_at} now={now} />
        </td>
        <td>{delivery.last_error ?? <span class="soft">–</span>}</td>
        <td>{delivery.state === 'dead' && <ReplayLink {...delivery} />}</td>
      </tr>
    ))}
  </Table>
);

const ReplayLink = ({ event_id: id, endpoint }: Delivery) => (
  <a
    href={`${SELF}/replay?event_id=${id}&endpoint=${encodeURIComponent(endpoint)}`}
    aria-label={`Replay ${id.slice(0, 8)} to ${endpoint}`}
  >
    Replay…
  </a>
);

const StateBadge = ({ state }: Pick<Delivery, 'state'>) => {
  const text = Object.hasOwn(STATES, state) ? STATES[state as DeliveryState] : toWords(state);
  const kind = Object.hasOwn(KINDS, state) ? KINDS[state as keyof typeof KINDS] : undefined;
  return <Badge {...(kind && { kind })} text={text} />;
};

/** The deliveries to make again. Empty: all that were given up. */
export interface ReplayTarget {
  endpoint?: string;
  event_id?: string;
}

export const ReplayPage = ({ viewer, target }: { viewer: Viewer; target: ReplayTarget }) => {
  const { endpoint, event_id: id } = target;
  const isAll = endpoint === undefined && id === undefined;
  return (
    <Frame viewer={viewer} title="Replay" section="/webhooks">
      <p class="crumb">
        <a href={SELF}>Webhooks</a>
      </p>
      <h1>Replay {isAll ? 'all that were given up' : 'this delivery'}?</h1>
      <p class="lead">
        {isAll
          ? 'Every endpoint is told again what it was given up to be told, in order.'
          : `${endpoint ?? 'Each endpoint'} is told again. Receivers know a repeat by its webhook-id.`}
      </p>
      {id !== undefined && <p class="mono">{id}</p>}
      <ActForm
        viewer={viewer}
        action={`${SELF}/replay`}
        back={SELF}
        button="Replay"
        fields={{ ...target }}
      />
    </Frame>
  );
};

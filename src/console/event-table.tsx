/** The security log of a person, or of one session. */
import type { SecurityEvent } from '../client/rpc';
import { Badge, SessionLink, Table, Time, toPlace, toWords } from './shown';

const COLUMNS = ['When', 'What', 'From', 'Session', 'By'];
const BAD: ReadonlySet<string> = new Set(['reuse_detected', 'mismatch']);

export const EventTable = ({
  events,
  now,
  name = 'Security log',
}: {
  events: readonly SecurityEvent[];
  now: number;
  name?: string;
}) => (
  <Table name={name} columns={COLUMNS}>
    {events.map((event) => (
      <tr>
        <td>
          <Time iso={event.created_at} now={now} />
        </td>
        <th scope="row">
          {toWords(event.type)} <Risk event={event} />
          <Why event={event} />
        </th>
        <td>
          {[event.device, toPlace(event.location ?? null), event.ip_address]
            .filter(Boolean)
            .join(' · ') || <span class="soft">–</span>}
        </td>
        <td>{event.session_id !== null && <SessionLink id={event.session_id} />}</td>
        <td>{[event.by, event.by_client_id].filter(Boolean).join(': ')}</td>
      </tr>
    ))}
  </Table>
);

const Risk = ({ event: { type, risk } }: { event: SecurityEvent }) =>
  risk === undefined ? (
    BAD.has(type) ? (
      <Badge kind="bad" text="suspicious" />
    ) : null
  ) : (
    <Badge
      {...(risk.level === 'high'
        ? { kind: 'bad' as const }
        : risk.level === 'medium'
          ? { kind: 'warn' as const }
          : {})}
      text={`${risk.level} ${risk.score}`}
    />
  );

/** Says more of an event than its type does. */
const Why = ({ event: { reason, risk, act, answer } }: { event: SecurityEvent }) => {
  const said = [
    reason && toWords(reason),
    risk?.reasons.map(toWords).join(', '),
    act && `${act.sub}: ${act.reason}`,
    answer && `the person says: ${answer === 'yes' ? 'it was me' : 'it was not me'}`,
  ].filter(Boolean);
  return said.length === 0 ? null : <p class="small soft">{said.join(' · ')}</p>;
};

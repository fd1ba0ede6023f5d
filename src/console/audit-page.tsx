/** The audit log: what operators, and other clients, did to other people. */
import type { AuditEvent, AuditPage } from '../client/rpc';
import { isReason, REASONS } from './acting';
import { BASE, Frame, type Viewer } from './frame';
import { Older, PersonLink, Table, Time, toWords, Unanswered } from './shown';

export const AuditLogPage = ({ viewer, audit }: { viewer: Viewer; audit: AuditPage }) => (
  <Frame viewer={viewer} title="Audit log" section="/audit">
    <h1>Audit log</h1>
    <p class="lead">Everything that was done to other people, here and by other clients.</p>
    <Unanswered homes={audit.unanswered_homes} />
    {audit.events.length === 0 ? (
      <p class="empty">Nothing yet.</p>
    ) : (
      <AuditTable events={audit.events} now={viewer.now} />
    )}
    <Older href={`${BASE}/audit`} cursor={audit.next_cursor} />
  </Frame>
);

export const AuditTable = ({ events, now }: { events: readonly AuditEvent[]; now: number }) => (
  <Table name="Audit log" columns={['When', 'What', 'To', 'By', 'Why']}>
    {events.map((event) => (
      <tr>
        <td>
          <Time iso={event.created_at} now={now} />
        </td>
        <th scope="row">{toWords(event.type)}</th>
        <td>
          <Target target={event.target} />
        </td>
        <td>
          <By event={event} />
        </td>
        <td>
          <Why event={event} />
        </td>
      </tr>
    ))}
  </Table>
);

const Target = ({ target: { type, id } }: Pick<AuditEvent, 'target'>) => {
  if (type === 'user' && id !== null) return <PersonLink id={id} />;
  if (type === 'user') return <span class="soft">Somebody erased</span>;
  return <span>{[toWords(type ?? '–'), id].filter(Boolean).join(' ')}</span>;
};

/** The member of the staff, as far as the client said; and the client. */
const By = ({ event: { client_id: client, details } }: { event: AuditEvent }) =>
  typeof details.operator === 'string' ? (
    <>
      <bdi>{details.operator}</bdi>
      <p class="small soft">{client}</p>
    </>
  ) : (
    <span>{client}</span>
  );

const Why = ({ event: { reason, details } }: { event: AuditEvent }) => {
  const words = reason !== null && isReason(reason) ? REASONS[reason] : reason;
  return (
    <>
      {words ?? <span class="soft">–</span>}
      {typeof details.why === 'string' && (
        <p class="small soft">
          <bdi>{details.why}</bdi>
        </p>
      )}
    </>
  );
};

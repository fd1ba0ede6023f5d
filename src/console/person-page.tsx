/** A person: where they are signed in, what happened there, and the way to end it. */
import type { EventPage, Session, SessionPage } from '../client/rpc';
import { ActForm, Done } from './acting';
import { EventTable } from './event-table';
import { BASE, Frame, type Viewer } from './frame';
import {
  Badge,
  Older,
  plural,
  SessionLink,
  Table,
  Time,
  toPlace,
  toWords,
  Unanswered,
} from './shown';

interface PersonProps {
  viewer: Viewer;
  id: string;
  sessions: SessionPage;
  events: EventPage;
  /** How many sessions were just ended; null: none was. */
  ended: number | null;
}

export const PersonPage = ({ viewer, id, sessions, events, ended }: PersonProps) => {
  const live = sessions.sessions.filter((session) => isLive(session, viewer.now)).length;
  return (
    <Frame viewer={viewer} title="Person" section="/find">
      <p class="crumb">
        <a href={`${BASE}/find`}>People and sessions</a>
      </p>
      <div class="head">
        <div>
          <h1>Person</h1>
          <p class="mono">{id}</p>
        </div>
        {live > 0 && (
          <a class="button" href={`${BASE}/people/${id}/end`}>
            End all sessions…
          </a>
        )}
      </div>
      {ended !== null && <Done>{plural(ended, 'session')} ended.</Done>}
      <h2>Sessions</h2>
      <Unanswered homes={sessions.unanswered_homes} />
      {sessions.sessions.length === 0 ? (
        <p class="empty">None is kept.</p>
      ) : (
        <SessionTable sessions={sessions.sessions} now={viewer.now} />
      )}
      {sessions.next_cursor !== null && (
        <p class="small soft">These are the newest. Older ones are kept as well.</p>
      )}
      <h2>History</h2>
      <Unanswered homes={events.unanswered_homes} />
      {events.events.length === 0 ? (
        <p class="empty">Nothing is in the log.</p>
      ) : (
        <EventTable events={events.events} now={viewer.now} />
      )}
      <Older href={`${BASE}/people/${id}`} cursor={events.next_cursor} />
    </Frame>
  );
};

/** Whether it can be used, as far as its times and its end tell. */
export function isLive(session: Session, now: number): boolean {
  const isPast = (iso: string | null) => iso !== null && Date.parse(iso) <= now;
  return (
    session.revoked_at === null && !isPast(session.expires_at) && !isPast(session.idle_expires_at)
  );
}

export const SessionState = ({ session, now }: { session: Session; now: number }) =>
  isLive(session, now) ? (
    <Badge kind="ok" text="Live" />
  ) : (
    <Badge text={session.revoked_reason === null ? 'Expired' : toWords(session.revoked_reason)} />
  );

const SessionTable = ({ sessions, now }: { sessions: readonly Session[]; now: number }) => (
  <Table name="Sessions" columns={['Device', 'State', 'App', 'Where', 'Started', 'Last used']}>
    {sessions.map((session) => (
      <tr>
        <th scope="row">
          <SessionLink id={session.id}>
            {session.label ?? session.device ?? 'Unknown device'}
          </SessionLink>
        </th>
        <td>
          <SessionState session={session} now={now} />
        </td>
        <td>{session.client_id}</td>
        <td>
          {toPlace(session.location) || session.last_ip_address || <span class="soft">–</span>}
        </td>
        <td>
          <Time iso={session.created_at} now={now} />
        </td>
        <td>
          <Time iso={session.last_used_at} now={now} />
        </td>
      </tr>
    ))}
  </Table>
);

export const EndAllPage = ({ viewer, id }: { viewer: Viewer; id: string }) => (
  <Frame viewer={viewer} title="End all sessions" section="/find">
    <p class="crumb">
      <a href={`${BASE}/people/${id}`}>Person</a>
    </p>
    <h1>End all sessions?</h1>
    <p class="lead">
      The person is signed out everywhere. Their access tokens are refused as soon as each API reads
      the revocation list.
    </p>
    <p class="mono">{id}</p>
    <ActForm
      viewer={viewer}
      action={`${BASE}/people/${id}/end`}
      back={`${BASE}/people/${id}`}
      button="End all sessions"
      isDangerous
    />
  </Frame>
);

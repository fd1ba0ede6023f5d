/** Shows one session and its events, with a way to end it. */
import type { SecurityEvent, Session } from '../client/rpc';
import { ActForm, Done } from './acting';
import { EventTable } from './event-table';
import { BASE, Frame, type Viewer } from './frame';
import { isLive, SessionState } from './person-page';
import { PersonLink, Time, toPlace } from './shown';

interface SessionProps {
  viewer: Viewer;
  session: Session;
  /** The session's own, of the newest events of its person. */
  events: readonly SecurityEvent[];
  /** Whether it was just ended, or was over before; null: nobody tried. */
  ended: boolean | null;
}

const nameOf = ({ label, device }: Session) => label ?? device ?? 'Unknown device';

export const SessionDetailPage = ({ viewer, session, events, ended }: SessionProps) => (
  <Frame viewer={viewer} title="Session" section="/find">
    <p class="crumb">
      <a href={`${BASE}/people/${session.user_id ?? session.id}`}>
        {session.user_id === null ? 'Guest' : 'Person'}
      </a>
    </p>
    <div class="head">
      <div>
        <h1>
          {nameOf(session)} <SessionState session={session} now={viewer.now} />
        </h1>
        <p class="mono">{session.id}</p>
      </div>
      {isLive(session, viewer.now) && (
        <a class="button" href={`${BASE}/sessions/${session.id}/end`}>
          End this session…
        </a>
      )}
    </div>
    {ended !== null && <Done>{ended ? 'The session was ended.' : 'It was over before.'}</Done>}
    <Facts session={session} now={viewer.now} />
    <h2>History</h2>
    {events.length === 0 ? (
      <p class="empty">Nothing of it is among the newest 100 events of its person.</p>
    ) : (
      <EventTable events={events} now={viewer.now} />
    )}
  </Frame>
);

const Facts = ({ session, now }: { session: Session; now: number }) => (
  <dl class="facts">
    <dt>Person</dt>
    <dd>{session.user_id === null ? 'A guest' : <PersonLink id={session.user_id} />}</dd>
    <dt>App</dt>
    <dd>{session.client_id ?? '–'}</dd>
    <dt>Started</dt>
    <dd>
      <Time iso={session.created_at} now={now} />
    </dd>
    <dt>Last used</dt>
    <dd>
      <Time iso={session.last_used_at} now={now} />
    </dd>
    <dt>Where</dt>
    <dd>
      {[toPlace(session.location), session.last_ip_address].filter(Boolean).join(' · ') || '–'}
    </dd>
    <dt>Browser or app</dt>
    <dd>{session.user_agent ?? '–'}</dd>
    <dt>Signed in</dt>
    <dd>
      <Time iso={session.auth_time} now={now} />
      {[session.amr?.join(', '), session.acr].filter(Boolean).map((how) => ` · ${how}`)}
    </dd>
    <dt>Ends</dt>
    <dd>
      <Time iso={session.expires_at} now={now} />
    </dd>
    <dt>Ends unless used</dt>
    <dd>
      <Time iso={session.idle_expires_at} now={now} />
    </dd>
    {session.revoked_at !== null && (
      <>
        <dt>Ended</dt>
        <dd>
          <Time iso={session.revoked_at} now={now} />
        </dd>
      </>
    )}
    {session.act !== null && (
      <>
        <dt>Support staff</dt>
        <dd>
          {session.act.sub}: {session.act.reason}
        </dd>
      </>
    )}
  </dl>
);

export const EndSessionPage = ({ viewer, session }: { viewer: Viewer; session: Session }) => (
  <Frame viewer={viewer} title="End this session" section="/find">
    <p class="crumb">
      <a href={`${BASE}/sessions/${session.id}`}>{nameOf(session)}</a>
    </p>
    <h1>End this session?</h1>
    <p class="lead">{nameOf(session)} is signed out. Other devices of the person are not.</p>
    <ActForm
      viewer={viewer}
      action={`${BASE}/sessions/${session.id}/end`}
      back={`${BASE}/sessions/${session.id}`}
      button="End this session"
      isDangerous
    />
  </Frame>
);

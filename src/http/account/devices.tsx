/** The "Your devices" page: this device, the others, and what happened lately. */

import type { toSessionView } from '../../calls/views';
import type { toEventView } from '../../security-log/event-view';
import type { Done } from './done';
import { DeviceIcon } from './icon';
import { Layout, type Site } from './layout';
import { sayAgo, sayExactly } from './relative-time';

type SessionView = ReturnType<typeof toSessionView>;
/** `device` is that of the session, where the event names none. */
type EventView = ReturnType<typeof toEventView>;

export interface DevicesProps {
  site: Site;
  own: SessionView;
  others: SessionView[];
  /** There are older ones, which are not shown. */
  hasMore: boolean;
  events: EventView[];
  /** The cursor of older events. */
  older: number | null;
  done: Done | null;
}

export const DevicesPage = ({ site, own, others, hasMore, events, older, done }: DevicesProps) => {
  const { texts, base } = site;
  const unusual = findUnusual(events);
  return (
    <Layout site={site} title={texts.devicesTitle}>
      <h1>{texts.devicesTitle}</h1>
      <p class="lead">{texts.devicesLead}</p>
      {done && (
        <p class="note" role="status">
          {texts.done[done]}
        </p>
      )}
      <h2>{texts.thisDevice}</h2>
      <ul class="card">
        <Device
          site={site}
          session={own}
          unusual={unusual.get(own.id)}
          action={`${base}/account/sign-out`}
        />
      </ul>
      <h2>{texts.otherDevices}</h2>
      {others.length === 0 ? (
        <p class="empty">{texts.noOtherDevices}</p>
      ) : (
        <>
          <ul class="card">
            {others.map((session) => (
              <Device
                site={site}
                session={session}
                unusual={unusual.get(session.id)}
                action={`${base}/account/sessions/${encodeURIComponent(session.id)}/sign-out`}
              />
            ))}
          </ul>
          {hasMore && <p class="empty">{texts.moreDevices(others.length)}</p>}
          <p class="row">
            <a class="button" href={`${base}/account/sign-out-others`}>
              {texts.signOutOthers}
            </a>
          </p>
        </>
      )}
      <Activity site={site} events={events} older={older} />
    </Layout>
  );
};

const Device = ({
  site,
  session,
  unusual,
  action,
}: {
  site: Site;
  session: SessionView;
  unusual: EventView | undefined;
  action: string;
}) => {
  const { texts } = site;
  const name = clean(session.device) || texts.unknownDevice;
  const place = [session.location?.city, session.location?.country]
    .map(clean)
    .filter(Boolean)
    .join(', ');
  return (
    <li>
      <DeviceIcon name={name} />
      <div>
        <h3>{name}</h3>
        <p class="facts">
          {place && <span>{place}</span>}
          {session.created_at && (
            <span>
              {texts.signedIn} <Ago site={site} iso={session.created_at} />
            </span>
          )}
          {!session.current && session.last_used_at && (
            <span>
              {texts.lastActive.toLowerCase()} <Ago site={site} iso={session.last_used_at} />
            </span>
          )}
        </p>
        {session.current && <span class="badge now">{texts.activeNow}</span>}
        {unusual && <span class="badge warn">{texts.unusual(sayWhy(unusual, site))}</span>}
      </div>
      <form method="post" action={action}>
        <button class="button" type="submit" aria-label={texts.signOutDevice(name)}>
          {texts.signOut}
        </button>
      </form>
    </li>
  );
};

export const ActivityPage = (props: { site: Site; events: EventView[]; older: number | null }) => (
  <Layout site={props.site} title={props.site.texts.activityTitle}>
    <h1>{props.site.texts.activityTitle}</h1>
    <ActivityList {...props} />
    <p class="row">
      <a class="button" href={`${props.site.base}/account`}>
        {props.site.texts.backToDevices}
      </a>
    </p>
  </Layout>
);

const Activity = (props: { site: Site; events: EventView[]; older: number | null }) => (
  <>
    <h2>{props.site.texts.activityTitle}</h2>
    <ActivityList {...props} />
  </>
);

const ActivityList = ({
  site,
  events,
  older,
}: {
  site: Site;
  events: EventView[];
  older: number | null;
}) => {
  const { texts } = site;
  if (events.length === 0) return <p class="empty">{texts.noActivity}</p>;
  return (
    <>
      <ul class="card log">
        {events.map((event) => (
          <li>
            <div>
              <strong>{texts.events[event.type as keyof typeof texts.events] ?? event.type}</strong>
              <p class="facts">
                {[
                  clean(event.device),
                  sayWho(event, site),
                  clean(event.location?.city),
                  clean(event.location?.country),
                  sayWhy(event, site),
                ]
                  .filter(Boolean)
                  .map((fact) => (
                    <span>{fact}</span>
                  ))}
              </p>
            </div>
            {event.created_at && <Ago site={site} iso={event.created_at} />}
          </li>
        ))}
      </ul>
      {older !== null && (
        <p class="row">
          <a class="button" href={`${site.base}/account/activity?before=${older}`}>
            {texts.olderActivity}
          </a>
        </p>
      )}
    </>
  );
};

const Ago = ({ site, iso }: { site: Site; iso: string }) => {
  const { texts, now } = site;
  const date = new Date(iso);
  return (
    <time datetime={iso} title={sayExactly(date, texts.language)}>
      {sayAgo(date, now, texts.language) ?? texts.justNow}
    </time>
  );
};

/** Of each session, the latest event that looked like someone else. */
function findUnusual(events: EventView[]): Map<string, EventView> {
  const found = new Map<string, EventView>();
  for (const event of events) {
    const isUnusual = event.type === 'mismatch' || event.type === 'reauthentication_demanded';
    if (isUnusual && !found.has(event.session_id)) found.set(event.session_id, event);
  }
  return found;
}

/** Whose doing the end of a session was. Of other events their name says it. */
function sayWho({ type, by, by_client_id: client }: EventView, { texts }: Site): string | null {
  if (type !== 'session_revoked' || by === null) return null;
  return by === 'client' ? texts.byClient(clean(client)) : texts.by[by];
}

function sayWhy({ risk }: EventView, { texts }: Site): string {
  const said = (risk?.reasons ?? [])
    .map((reason) => texts.reasons[reason])
    .filter((text) => text !== undefined);
  return said.join(', ');
}

/**
 * What came from a caller, without what turns text around or hides in it (Unicode controls and
 * formats), and not too long.
 */
function clean(text: string | null | undefined): string {
  const visible = (text ?? '').replaceAll(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}]/gu, '');
  return visible.length > 80 ? `${visible.slice(0, 79)}…` : visible;
}

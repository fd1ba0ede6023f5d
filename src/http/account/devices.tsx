/** The "Your devices" page: this device, the others, and what happened lately. */

import type { toSessionView } from '../../calls/views';
import type { SessionEventType } from '../../config/webhooks';
import type { Device as Shown } from '../../risk/user-agent';
import type { toEventView } from '../../security-log/event-view';
import type { Done } from './done';
import { DeviceIcon } from './icon';
import { Layout, type Site } from './layout';
import { clean } from './texts/clean';
import type { Texts } from './texts/en';
import { fill, fillText } from './texts/fill';

type ShownDevice = Pick<Shown, 'browser' | 'platform'>;
type SessionView = ReturnType<typeof toSessionView> & { shownDevice: ShownDevice };
/** The device is that of the session, where the event names none. */
type EventView = ReturnType<typeof toEventView> & { shownDevice: ShownDevice | null };

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
  const { texts, wording, link } = site;
  const unusual = findUnusual(events);
  return (
    <Layout site={site} title={texts.devicesTitle}>
      <h1>{texts.devicesTitle}</h1>
      <p class="lead">{texts.devicesLead}</p>
      {done && (
        <p class="note" role="status">
          {texts[`done_${done}`]}
        </p>
      )}
      <h2>{texts.thisDevice}</h2>
      <ul class="card">
        <Device
          site={site}
          session={own}
          unusual={unusual.get(own.id)}
          action={link('/account/sign-out')}
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
                action={link(`/account/sessions/${encodeURIComponent(session.id)}/sign-out`)}
              />
            ))}
          </ul>
          {hasMore && <p class="empty">{wording.plural(texts.moreDevices, others.length)}</p>}
          <p class="row">
            <a class="button" href={link('/account/sign-out-others')}>
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
  const { texts, wording } = site;
  const name = wording.device(session.shownDevice) ?? texts.unknownDevice;
  const place = wording.place(session.location);
  return (
    <li>
      <DeviceIcon name={name} />
      <div>
        <h3 dir="auto">{name}</h3>
        <p class="facts">
          {place && <bdi>{place}</bdi>}
          {session.created_at && (
            <span>
              {fill(texts.signedInAt, { when: <Ago site={site} iso={session.created_at} /> })}
            </span>
          )}
          {!session.current && session.last_used_at && (
            <span>
              {fill(texts.lastActiveAt, { when: <Ago site={site} iso={session.last_used_at} /> })}
            </span>
          )}
        </p>
        {session.current && <span class="badge now">{texts.activeNow}</span>}
        {unusual && <span class="badge warn">{sayUnusual(unusual, site)}</span>}
      </div>
      <form method="post" action={action}>
        <button
          class="button"
          type="submit"
          aria-label={fillText(texts.signOutDevice, { device: name })}
        >
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
      <a class="button" href={props.site.link('/account')}>
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
  const { texts, wording } = site;
  if (events.length === 0) return <p class="empty">{texts.noActivity}</p>;
  return (
    <>
      <ul class="card log">
        {events.map((event) => (
          <li>
            <div>
              <strong>{texts[`event_${event.type as SessionEventType}`] ?? event.type}</strong>
              <p class="facts">
                {[
                  event.shownDevice && wording.device(event.shownDevice),
                  sayWho(event, site),
                  wording.place(event.location),
                  wording.list(sayReasons(event, site)),
                ]
                  .filter(Boolean)
                  .map((fact) => (
                    <bdi>{fact}</bdi>
                  ))}
              </p>
            </div>
            {event.created_at && <Ago site={site} iso={event.created_at} />}
          </li>
        ))}
      </ul>
      {older !== null && (
        <p class="row">
          <a class="button" href={site.link('/account/activity', { before: `${older}` })}>
            {texts.olderActivity}
          </a>
        </p>
      )}
    </>
  );
};

const Ago = ({ site, iso }: { site: Site; iso: string }) => {
  const date = new Date(iso);
  return (
    <time datetime={iso} title={site.wording.exactly(date)}>
      {site.wording.ago(date)}
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
  return by === 'client'
    ? fillText(client ? texts.byClient : texts.byApp, { app: clean(client) })
    : texts[`by_${by}`];
}

function sayUnusual(event: EventView, site: Site): string {
  const { texts, wording } = site;
  const reasons = wording.list(sayReasons(event, site));
  return reasons ? fillText(texts.unusualBecause, { reasons }) : texts.event_mismatch;
}

function sayReasons({ risk }: EventView, { texts }: Site): string[] {
  return (risk?.reasons ?? [])
    .map((reason) => texts[`reason_${reason}` as keyof Texts] as string | undefined)
    .filter((text) => text !== undefined);
}

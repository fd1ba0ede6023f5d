/** The list of what happened, the newest first. */

import type { EventView } from '../../calls/account-view';
import type { SessionEventType } from '../../config/event-types';
import { Time } from './facts';
import { Layout, type Site } from './layout';
import { clean } from './texts/clean';
import type { Texts } from './texts/en';
import { fillText } from './texts/fill';

interface ActivityProps {
  site: Site;
  events: readonly EventView[];
  /** The cursor of older events; null: there are none. */
  older: number | null;
}

export const ActivityPage = (props: ActivityProps) => (
  <Layout site={props.site} title={props.site.texts.activityTitle}>
    <h1>{props.site.texts.activityTitle}</h1>
    <ActivityList {...props} exact />
    <p class="row">
      <a class="button" href={props.site.link('/account')}>
        {props.site.texts.backToDevices}
      </a>
    </p>
  </Layout>
);

/** `path`: of the page that goes on. */
export const ActivityList = ({
  site,
  events,
  older,
  exact,
  path = '/account/activity',
}: ActivityProps & { exact?: boolean; path?: string }) => {
  const { texts, link } = site;
  return (
    <>
      {events.length === 0 ? (
        <p class="empty">{texts.noActivity}</p>
      ) : (
        <ul class="card log">
          {events.map((event) => (
            <Entry site={site} event={event} exact={exact} />
          ))}
        </ul>
      )}
      {older !== null && (
        <p class="row">
          <a class="button" href={link(path, { before: `${older}` })}>
            {texts.olderActivity}
          </a>
        </p>
      )}
    </>
  );
};

const Entry = ({ site, event, exact }: { site: Site; event: EventView; exact?: boolean }) => {
  const { texts, wording, link } = site;
  const device = (event.shownDevice && wording.device(event.shownDevice)) || texts.unknownDevice;
  const label = clean(event.label);
  const name = label ? <bdi>{label}</bdi> : device;
  const asked = event.asks.length > 0 ? `e${event.id}` : undefined;
  const facts = [
    event.hasPage ? <a href={link(`/account/sessions/${event.session_id}`)}>{name}</a> : name,
    label && device,
    sayWho(event, site),
    wording.place(event.location),
    wording.list(sayReasons(event, texts)),
    event.answer && texts[`answer_${event.answer}`],
  ];
  return (
    <li>
      <div>
        <strong id={asked}>{texts[`event_${event.type as SessionEventType}`] ?? event.type}</strong>
        <p class="facts" id={asked && `${asked}f`}>
          {facts.filter(Boolean).map((fact) => (
            <span>{fact}</span>
          ))}
        </p>
        {asked && <Question site={site} event={event} of={asked} />}
      </div>
      <Time site={site} date={event.at} exact={exact} />
    </li>
  );
};

/** `of`: what the question is about, which whoever hears the button alone is told with it. */
const Question = ({
  site: { texts, link },
  event,
  of,
}: {
  site: Site;
  event: EventView;
  of: string;
}) => (
  <form method="post" class="ask">
    <span>{texts.wasThisYou}</span>
    {event.asks.map((answer) => (
      <button
        class={answer === 'no' ? 'button danger' : 'button'}
        type="submit"
        formaction={link(`/account/events/${event.id}/${answer}`)}
        aria-describedby={`${of} ${of}f`}
      >
        {texts[`ask_${answer}`]}
      </button>
    ))}
  </form>
);

/** Says who ended a session. The names of other events say it already. */
function sayWho(event: EventView, { texts, appName }: Site): string | null {
  const { type, by, by_client_id: client } = event;
  if (type !== 'session_revoked' || by === null) return null;
  return by === 'client'
    ? fillText(client ? texts.byClient : texts.byApp, { app: appName(client) })
    : texts[`by_${by}`];
}

export function sayReasons({ risk }: EventView, texts: Texts): string[] {
  return (risk?.reasons ?? [])
    .map((reason) => texts[`reason_${reason}` as keyof Texts] as string | undefined)
    .filter((text) => text !== undefined);
}

export function sayUnusual(event: EventView, { texts, wording }: Site): string {
  const reasons = wording.list(sayReasons(event, texts));
  return reasons ? fillText(texts.unusualBecause, { reasons }) : texts.event_mismatch;
}

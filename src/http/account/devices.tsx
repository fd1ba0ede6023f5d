/** The "Your devices" page: this device, the others, and what happened lately. */
import { type DeviceView, type EventView, groupDevices } from '../../calls/account-view';
import { ActivityList, sayUnusual } from './activity';
import type { Done } from './done';
import { Facts, Name, nameOf, Support } from './facts';
import { DeviceIcon } from './icon';
import { Layout, type Site } from './layout';
import { fillText } from './texts/fill';

export interface DevicesProps {
  site: Site;
  own: DeviceView;
  others: DeviceView[];
  /** There are older ones, which are not shown. */
  hasMore: boolean;
  events: EventView[];
  /** The cursor of older events. */
  older: number | null;
  done: Done | null;
}

export const DevicesPage = ({ site, own, others, hasMore, events, older, done }: DevicesProps) => {
  const { texts, wording, link } = site;
  const open = events.filter(({ asks }) => asks.length > 0);
  return (
    <Layout site={site} title={texts.devicesTitle}>
      <h1>{texts.devicesTitle}</h1>
      <p class="lead">{texts.devicesLead}</p>
      {done && (
        <p class="note" role="status">
          {texts[`done_${done}`]}
        </p>
      )}
      {others.length > 0 && !site.isSupport && (
        <p class="row">
          <a class="button danger" href={link('/account/sign-out-others')}>
            {texts.signOutOthers}
          </a>
        </p>
      )}
      {open.length > 0 && (
        <>
          <h2>{texts.wasThisYou}</h2>
          <ActivityList site={site} events={open} older={null} />
        </>
      )}
      <h2>{texts.thisDevice}</h2>
      <ul class="card">
        <Device site={site} of={own} events={events} />
      </ul>
      <h2>{texts.otherDevices}</h2>
      {others.length === 0 ? (
        <p class="empty">{texts.noOtherDevices}</p>
      ) : (
        <>
          <ul class="card">
            {groupDevices(others).map((group) =>
              group.length === 1 ? (
                <Device site={site} of={group[0]} events={events} />
              ) : (
                <Group site={site} group={group} events={events} />
              ),
            )}
          </ul>
          {hasMore && <p class="empty">{wording.plural(texts.moreDevices, others.length)}</p>}
        </>
      )}
      <h2>{texts.activityTitle}</h2>
      <ActivityList
        site={site}
        events={events.filter((event) => !open.includes(event))}
        older={older}
      />
    </Layout>
  );
};

/** Several sign-ins on what a person would take for one device: what is known of the latest. */
const Group = ({
  site,
  group,
  events,
}: {
  site: Site;
  group: [DeviceView, ...DeviceView[]];
  events: EventView[];
}) => {
  const [first] = group;
  return (
    <li class="group">
      <DeviceIcon device={first.device} />
      <div>
        <h3>
          <Name site={site} of={first} />
        </h3>
        <Facts site={site} of={first} />
        <details>
          <summary>{site.wording.plural(site.texts.signIns, group.length)}</summary>
          <ul>
            {group.map((of) => (
              <Device site={site} of={of} events={events} isInGroup />
            ))}
          </ul>
        </details>
      </div>
    </li>
  );
};

const Device = ({
  site,
  of,
  events,
  isInGroup = false,
}: {
  site: Site;
  of: DeviceView;
  events: EventView[];
  isInGroup?: boolean;
}) => {
  const { texts, link } = site;
  // An event that the person has answered is in the log alone.
  const unusual = events.find(
    ({ type, session_id: id, answer }) =>
      answer !== 'yes' &&
      id === of.id &&
      (type === 'mismatch' || type === 'reauthentication_demanded'),
  );
  const Heading = isInGroup ? 'h4' : 'h3';
  return (
    <li>
      {!isInGroup && <DeviceIcon device={of.device} />}
      <div>
        <Heading>
          <a href={link(`/account/sessions/${of.id}`)}>
            <Name site={site} of={of} />
          </a>
        </Heading>
        <Facts site={site} of={of} id={of.id} />
        <Support site={site} of={of} />
        {of.isCurrent && <span class="badge now">{texts.activeNow}</span>}
        {unusual && <span class="badge warn">{sayUnusual(unusual, site)}</span>}
      </div>
      <SignOutForm site={site} of={of} />
    </li>
  );
};

export const SignOutForm = ({
  site: { texts, link, whose, ...site },
  of,
}: {
  site: Site;
  of: DeviceView;
}) => (
  <form
    method="post"
    hidden={site.isSupport && !of.isCurrent}
    action={
      of.isCurrent ? link('/account/sign-out', whose) : link(`/account/sessions/${of.id}/sign-out`)
    }
  >
    <button
      class="button"
      type="submit"
      aria-describedby={of.id}
      aria-label={fillText(texts.signOutDevice, {
        device: nameOf(of, { texts, link, whose, ...site }),
      })}
    >
      {texts.signOut}
    </button>
  </form>
);

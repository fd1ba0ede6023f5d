/** One device: what is known of it, its name, and what happened to it. */
import type { DeviceView, EventView } from '../../calls/account-view';
import { ActivityList } from './activity';
import { SignOutForm } from './devices';
import { Facts, Name, nameOf, Support } from './facts';
import { Layout, type Site } from './layout';

/** The longest name that the API takes (calls/fields.ts). */
const MAX_NAME = 80;

export const DevicePage = ({
  site,
  of,
  events,
  older,
}: {
  site: Site;
  of: DeviceView;
  events: EventView[];
  older: number | null;
}) => {
  const { texts, link } = site;
  const path = `/account/sessions/${of.id}`;
  return (
    <Layout site={site} title={nameOf(of, site)}>
      <h1>
        <Name site={site} of={of} />
      </h1>
      {of.isCurrent && <span class="badge now">{texts.thisDevice}</span>}
      <Support site={site} of={of} />
      {of.isOver && <span class="badge warn">{texts.isOver}</span>}
      <Facts site={site} of={of} id={of.id} exact />
      {!of.isOver && (
        <div class="row">
          <SignOutForm site={site} of={of} />
        </div>
      )}
      {!of.isOver && !site.isSupport && (
        <form method="post" action={link(`${path}/name`)} class="row">
          <label>
            {texts.nameOfDevice}{' '}
            <input
              name="label"
              value={of.label ?? ''}
              maxlength={MAX_NAME}
              autocomplete="off"
              dir="auto"
            />
          </label>
          <button class="button" type="submit">
            {texts.save}
          </button>
        </form>
      )}
      <h2>{texts.activityTitle}</h2>
      <ActivityList site={site} events={events} older={older} path={path} exact />
      <p class="row">
        <a class="button" href={link('/account')}>
          {texts.backToDevices}
        </a>
      </p>
    </Layout>
  );
};

/** Asks before other devices are signed out, and says what else helps. */
import { Layout, type Site } from './layout';

export const ConfirmPage = ({ site }: { site: Site }) => {
  const { texts, link, whose } = site;
  return (
    <Layout site={site} title={texts.confirmTitle}>
      <h1>{texts.confirmTitle}</h1>
      <p class="lead">{texts.confirmLead}</p>
      <form method="post" action={link('/account/sign-out-others', whose)} class="row">
        <button class="button danger" type="submit">
          {texts.signOutOthers}
        </button>
        <a class="button" href={link('/account')}>
          {texts.cancel}
        </a>
      </form>
    </Layout>
  );
};

/** After "that was not me". It claims nothing that an address alone could have it say. */
export const NotYouPage = ({ site, isSignedIn }: { site: Site; isSignedIn: boolean }) => {
  const { texts, link, app, whose } = site;
  return (
    <Layout site={site} title={texts.notYouTitle}>
      <h1>{texts.notYouTitle}</h1>
      <p class="lead">{texts.notYouLead}</p>
      {app?.recoveryUrl && (
        <p class="row">
          <a class="button primary" href={app.recoveryUrl}>
            {texts.changePassword}
          </a>
        </p>
      )}
      <form method="post" action={link('/account/sign-out-everywhere', whose)} class="row">
        {isSignedIn && (
          <button class="button danger" type="submit">
            {texts.signOutEverywhere}
          </button>
        )}
        <a class="button" href={link('/account/sign-out-others')}>
          {texts.signOutOthers}
        </a>
        <a class="button" href={link('/account')}>
          {texts.backToDevices}
        </a>
      </form>
    </Layout>
  );
};

/** Asks before all other devices are signed out. */
import { Layout, type Site } from './layout';

export const ConfirmPage = ({ site }: { site: Site }) => {
  const { texts, link } = site;
  return (
    <Layout site={site} title={texts.confirmTitle}>
      <h1>{texts.confirmTitle}</h1>
      <p class="lead">{texts.confirmLead}</p>
      <form method="post" action={link('/account/sign-out-others')} class="row">
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

/** Asks whether a sign-in that this browser may not have begun goes on here. */
import { Layout, type Site } from '../account/layout';

export const StartPage = ({
  site,
  code,
  app,
  host,
  replaces,
}: {
  site: Site;
  code: string;
  /** The id of the client whose session it is. */
  app: string;
  /** Where the browser is sent afterwards. */
  host: string;
  /** Whether the browser is signed in already. */
  replaces: boolean;
}) => {
  const { texts, base } = site;
  return (
    <Layout site={site} title={texts.startTitle}>
      <h1>{texts.startTitle}</h1>
      <p class="lead">{texts.startLead(app, host)}</p>
      {replaces && <p class="lead">{texts.startReplaces}</p>}
      <form method="post" action={`${base}/browser/start`} class="row">
        <input type="hidden" name="code" value={code} />
        <button class="button primary" type="submit">
          {texts.startContinue}
        </button>
      </form>
    </Layout>
  );
};

/** Asks whether a sign-in that this browser may not have begun goes on here. */
import { Layout, type Site } from '../account/layout';
import { fill } from '../account/texts/fill';

export const StartPage = ({
  site,
  code,
  lang,
  app,
  host,
  replaces,
}: {
  site: Site;
  code: string;
  /** The language that the person chose; null: they chose none. */
  lang: string | null;
  /** The app whose session it is, as people know it. */
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
      <p class="lead">
        {fill(texts.startLead, { app: <bdi>{app}</bdi>, host: <bdi>{host}</bdi> })}
      </p>
      {replaces && <p class="lead">{texts.startReplaces}</p>}
      <form method="post" action={`${base}/browser/start`} class="row">
        <input type="hidden" name="code" value={code} />
        {lang !== null && <input type="hidden" name="lang" value={lang} />}
        <button class="button primary" type="submit">
          {texts.startContinue}
        </button>
      </form>
    </Layout>
  );
};

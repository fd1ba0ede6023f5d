/** The page at `/` under `npm start`. */
import { CLIENT, toApiCode, toBackendCode, toPageCode } from './snippets';
import { Trials } from './trials';

export interface ShownToken {
  name: string;
  header: string;
  payload: string;
}

export const LandingPage = ({
  base,
  issuer,
  hasBackend,
  wasStarted,
  sessionId,
  whyOver,
  tokens,
}: {
  base: string;
  issuer: string;
  hasBackend: boolean;
  /** Whether the browser comes from the start of a session. */
  wasStarted: boolean;
  sessionId: string | null;
  whyOver: string | null;
  tokens: ShownToken[];
}) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>edge-sessions on this machine</title>
      <link rel="stylesheet" href={`${base}/demo/style.css`} />
      <link rel="icon" type="image/svg+xml" href={`${base}/account/icon.svg`} />
      <script type="module" src={`${base}/demo/page.js`} />
    </head>
    <body>
      <header>
        <div>
          <span>edge-sessions</span>
        </div>
      </header>
      <main>
        <div id="state">
          {sessionId === null ? (
            <Welcome base={base} hasBackend={hasBackend} hasLostCookies={wasStarted} />
          ) : (
            <SignedIn base={base} whyOver={whyOver} />
          )}
        </div>
        {sessionId !== null && <Trials base={base} sessionId={sessionId} />}
        <div id="tokens">
          {tokens.map((token) => (
            <Token {...token} />
          ))}
        </div>
        <h2>In your own app</h2>
        <Step title="The app, in CLIENTS" code={CLIENT} />
        <Step title="Your backend, once it has signed a user in" code={toBackendCode(issuer)} />
        <Step title="Your pages" code={toPageCode(issuer)} />
        <Step title="Your API" code={toApiCode(issuer)} />
      </main>
    </body>
  </html>
);

const Welcome = ({
  base,
  hasBackend,
  hasLostCookies,
}: {
  base: string;
  hasBackend: boolean;
  hasLostCookies: boolean;
}) => (
  <>
    <h1>It runs.</h1>
    <p class="lead">
      Login sessions for apps on Cloudflare Workers. One click starts one for a made-up user, just
      as your backend would after its own sign-in. This page is only on this machine; a deployed
      Worker does not have it.
    </p>
    {hasLostCookies && (
      <p class="note" role="alert">
        The session was started, but this browser has kept none of its cookies. Safari and other
        browsers of WebKit drop Secure cookies on http://localhost. Stop npm start, run{' '}
        <code>HTTPS=1 npm start</code> and open https://localhost, or use another browser here.
      </p>
    )}
    {hasBackend ? (
      <form method="post" action={`${base}/demo`} class="row">
        <button class="button primary" type="submit">
          Start a demo session
        </button>
      </form>
    ) : (
      <p class="note">
        .dev.vars has CLIENTS of its own and no demo backend: remove CLIENTS from it to try this
        page.
      </p>
    )}
  </>
);

const SignedIn = ({ base, whyOver }: { base: string; whyOver: string | null }) => (
  <>
    {whyOver === null ? (
      <>
        <h1>You have a session.</h1>
        <p class="lead">It lives in two HttpOnly cookies, so no script of any page can read it.</p>
      </>
    ) : (
      <>
        <h1>The session is over.</h1>
        <p class="lead">
          The service says <code>{whyOver}</code>. Your app would now ask for a new sign-in.
        </p>
      </>
    )}
    <div class="row" id="start">
      <a class="button primary" href={`${base}/account`}>
        Your devices
      </a>
      <form method="post" action={`${base}/demo`}>
        <button class="button" type="submit">
          Start another
        </button>
      </form>
    </div>
  </>
);

const Token = ({ name, header, payload }: ShownToken) => (
  <section>
    <h2>
      {name === 'access'
        ? 'The access token, which your APIs verify'
        : 'The refresh token, which only this service reads'}
    </h2>
    <Code text={`${header}\n${payload}`} label={`The ${name} token`} />
  </section>
);

const Step = ({ title, code }: { title: string; code: string }) => (
  <section>
    <h3>{title}</h3>
    <button class="button" type="button" data-copy hidden>
      Copy
    </button>
    <Code text={code} label={title} />
  </section>
);

/** Longer lines than the screen is wide are scrolled to, by the keyboard too. */
const Code = ({ text, label }: { text: string; label: string }) => (
  <figure tabindex={0} aria-label={label}>
    <pre>{text}</pre>
  </figure>
);

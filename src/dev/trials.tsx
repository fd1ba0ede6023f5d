/**
 * Trials of a session: each button sends requests, in rounds of those that go out at once, and
 * under it stands what the service did with each (answers.tsx).
 */
import { THIEF } from './replay';

/** The caller, in words, and the request. */
type Call = readonly [who: string, method: 'GET' | 'POST', path: string];

interface Trial {
  title: string;
  text: string;
  button: string;
  rounds: readonly (readonly Call[] | Pause)[];
}

interface Pause {
  seconds: number;
  /** The purpose of the trial. */
  text: string;
}

/** The grace period of the demo's app: short enough to be waited for. */
export const GRACE_SECONDS = 2;

/** A token is of the second in which it was given, so it is older than the grace period by then. */
const untilItIsOver = (text: string): Pause => ({ seconds: GRACE_SECONDS + 1, text });

const toTrials = (base: string, sessionId: string): Trial[] => {
  const refresh = (who: string): Call => [who, 'POST', `${base}/browser/refresh`];
  return [
    {
      title: 'Refresh',
      text: 'What your app does by itself every few minutes: it hands in the refresh token, and gets the next one with a new access token.',
      button: 'Refresh now',
      rounds: [[refresh('This browser')]],
    },
    {
      title: 'Refresh in two tabs at once',
      text: 'Both tabs hand in the same token at the same moment. If it worked only once, the slower tab would look like a thief and sign you out. Here both get the same next token.',
      button: 'Refresh in two tabs',
      rounds: [[refresh('Tab 1'), refresh('Tab 2')]],
    },
    {
      title: 'Use an old token again',
      text: `Someone copied your cookie, your browser refreshes, and then the copy is used at ${THIEF.address} in ${THIEF.place}, with ${THIEF.device}. For ${GRACE_SECONDS} seconds after a refresh an old token still works, because a slow tab may send it (30 seconds, unless you set it). After that only a thief would.`,
      button: 'Replay it from another browser',
      rounds: [
        untilItIsOver('so that the next refresh replaces the token …'),
        [refresh('Your browser, after the copy was made')],
        untilItIsOver('until the old token works no longer …'),
        [['The other browser, with the copy', 'POST', `${base}/demo/replay?session=${sessionId}`]],
        [refresh('Your browser, the next time')],
      ],
    },
    {
      title: 'Sign out',
      text: 'Ends the session in the database and takes the cookies out of this browser. Then it tries to refresh.',
      button: 'Sign out',
      rounds: [
        [['This browser', 'POST', `${base}/browser/sign-out`]],
        [refresh('This browser, after it')],
      ],
    },
    {
      title: 'Run the cron',
      text: 'What the Cron Trigger does every 15 minutes once it is deployed: it deletes what is dead, replaces signing keys, and delivers webhooks that failed.',
      button: 'Run the cron',
      rounds: [[['The cron', 'GET', '/cdn-cgi/handler/scheduled']]],
    },
  ];
};

export const Trials = ({ base, sessionId }: { base: string; sessionId: string }) => (
  <section aria-labelledby="trials">
    <h2 id="trials">Try to break it</h2>
    <p class="lead">
      A refresh token is replaced each time that it is used. So an old one that turns up later says
      that two hold the session: its owner, and someone who copied it. The buttons send real
      requests to the service on this machine; below each is what it did.
    </p>
    <noscript>
      <p class="note">The buttons need JavaScript.</p>
    </noscript>
    <ol class="card trials" data-answers={`${base}/demo/answer`}>
      {toTrials(base, sessionId).map(({ title, text, button, rounds }) => (
        <li>
          <h3>{title}</h3>
          <p>{text}</p>
          <button class="button" type="button" data-rounds={JSON.stringify(rounds)} hidden>
            {button}
          </button>
          <div class="answers" aria-live="polite" />
        </li>
      ))}
    </ol>
  </section>
);

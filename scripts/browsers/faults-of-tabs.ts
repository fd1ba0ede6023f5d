/** Other tabs, pages that missed something, and places that lack something. */
import { setTimeout as sleep } from 'node:timers/promises';
import { awayWhile, becomes, expectAll, isIn, lookAt, refreshIn, type Trial } from './scene.ts';
import { API, APP, AUTH, GRACE_MS, newPerson } from './world.ts';

export const FAULTS_OF_TABS: Trial[] = [
  {
    fault: 'another tab signs out',
    run: async ({ tab, openTab }) => {
      const other = await openTab();
      const opened = await becomes(other, 'active');
      await other.evaluate('client.signOut()');
      return opened ?? becomes(tab, 'signed_out');
    },
  },
  {
    fault: 'a new tab, while the elder is busy for 1.5 s',
    run: async ({ tab, openTab }) => {
      await tab.evaluate('(beBusy(1500), 1)');
      const young = await openTab();
      const late = await becomes(young, 'active');
      const reasons = await young.evaluate<unknown[]>('reasons');
      return late ?? (reasons.length > 0 ? `said ${reasons}` : undefined);
    },
  },
  {
    fault: 'Back to a page, while another tab went on by two steps',
    run: async ({ world, tab, openTab, userId }) => {
      const other = await openTab();
      const opened = await becomes(other, 'active');
      await awayWhile(tab, async () => {
        for (let step = 0; step < 2; step += 1) {
          await sleep(GRACE_MS + 200);
          await refreshIn(other);
        }
        await sleep(GRACE_MS + 200);
      });
      const said = await refreshIn(tab);
      const [reason] = await world.endings(userId);
      if (reason !== null) return `the session ends by ${reason}`;
      return opened ?? (said === 'active' ? undefined : `a refresh answers ${said}`);
    },
  },
  {
    fault: 'Back to a page, while another tab signed out',
    // With cookies one of the other tab too, and one more where it signs in.
    most: { token: 1, memory: 2, cookie: 2 },
    run: async ({ tab, openTab }) => {
      const other = await openTab();
      const opened = await becomes(other, 'active');
      await awayWhile(tab, () => other.evaluate('client.signOut()'));
      await lookAt(tab);
      return opened ?? becomes(tab, 'signed_out');
    },
  },
  {
    fault: 'Back to a page, while another person signed in in another tab',
    most: { token: 2, memory: 3, cookie: 3 },
    run: async ({ tab, openTab, signInAnother }) => {
      const other = await openTab();
      const opened = await becomes(other, 'active');
      let person = '';
      await awayWhile(tab, async () => {
        person = await signInAnother(other);
        await isIn(other, person);
      });
      await lookAt(tab);
      return opened ?? isIn(tab, person);
    },
  },
  {
    fault: 'Back to a page without a session, while somebody signed in in another tab',
    most: { token: 2, memory: 3, cookie: 3 },
    run: async ({ tab, openTab, signInAnother }) => {
      const other = await openTab();
      await becomes(other, 'active');
      await tab.evaluate('client.signOut()');
      await becomes(other, 'signed_out');
      let person = '';
      await awayWhile(tab, async () => {
        person = await signInAnother(other);
        await isIn(other, person);
      });
      await lookAt(tab);
      return isIn(tab, person);
    },
  },
  {
    fault: 'a new tab finds out by itself whether there is a session',
    most: { token: 0, memory: 1, cookie: 1 },
    run: async ({ openTab }) => {
      const young = await openTab();
      const late = await becomes(young, 'active');
      const states = await young.evaluate<string[]>('states');
      return late ?? (states.includes('signed_out') ? `said ${states}` : undefined);
    },
  },
  {
    fault: 'the browser has no channels, no locks and no storage',
    most: 2,
    run: async ({ world, mode, profile }) => {
      const tab = await profile.openTab(`${APP}/`);
      const tokens = mode === 'token' && (await world.startSession(mode, newPerson())).tokens;
      return expectAll(
        await tab.evaluate(`(async () => {
          const refuse = { get() { throw new DOMException('off limits', 'SecurityError'); } };
          Object.defineProperty(window, 'localStorage', refuse);
          Object.defineProperty(navigator, 'locks', { value: undefined });
          window.BroadcastChannel = class { constructor() { refuse.get(); } };
          openClient('${mode}');
          await (${mode === 'token' ? `client.start(${JSON.stringify(tokens)})` : 'client.refresh()'});
          return call(3);
        })()`),
        200,
      );
    },
  },
  {
    fault: 'a worker has the session of the page',
    most: 0,
    modes: ['token'],
    run: async ({ tab }) =>
      expectAll(
        await tab.evaluate(`(async () => {
          const script = 'import { createSessionClient } from "${APP}/client.js";'
            + 'const client = createSessionClient({ mode: "token", clientId: "app", '
            + 'baseUrl: "${AUTH}", resources: ["${AUTH}"] });'
            + 'client.fetch("${API}").then(({ status }) => postMessage(status), (error) => postMessage(String(error)));';
          const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
          const worker = new Worker(url, { type: 'module' });
          const heard = await new Promise((resolve) => {
            worker.onmessage = ({ data }) => resolve(data);
            worker.onerror = ({ message }) => resolve(message);
          });
          worker.terminate();
          return [heard];
        })()`),
        200,
      ),
  },
  {
    fault: 'a frame of no origin (sandbox) keeps what it is given',
    most: 0,
    modes: ['token'],
    run: async ({ tab }) => {
      const said = await tab.evaluate(`new Promise((resolve) => {
        addEventListener('message', ({ data }) => resolve(data), { once: true });
        const frame = document.createElement('iframe');
        frame.sandbox = 'allow-scripts';
        frame.srcdoc = '<script type="module">import { createSessionClient } from "${APP}/client.js";'
          + 'const say = (text) => parent.postMessage(String(text), "*");'
          + 'addEventListener("unhandledrejection", ({ reason }) => say(reason));'
          + 'try { const client = createSessionClient({ mode: "token", clientId: "app", '
          + 'baseUrl: "${AUTH}" }); await client.start({ access_token: "a", refresh_token: "b", '
          + 'expires_in: 60 }); say(await client.getAccessToken()); } catch (error) { say(error) }'
          + '<\\/script>';
        document.body.append(frame);
      })`);
      return said === 'a' ? undefined : `says ${said}`;
    },
  },
];

/**
 * What goes wrong around the client for apps, in every mode, and how many refreshes it may cost:
 * the table of test/client/faults.test.ts where real browsers, tabs and a network are part of it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Profile, type Tab, until } from './engine.ts';
import { APP, GRACE_MS, MODES, type Mode, newPerson, type World } from './world.ts';

interface Scene {
  world: World;
  mode: Mode;
  profile: Profile;
  /** Signed in, its client ready. */
  tab: Tab;
  /** Another tab of the app, whose client has just been opened. */
  openTab(): Promise<Tab>;
  userId: string;
}

/** What is wrong, as a text; nothing where all is well. */
type Verdict = string | undefined;

interface Trial {
  fault: string;
  /** How many refreshes it may cost, where that is the point. */
  most?: number;
  run(scene: Scene): Promise<Verdict>;
}

const HOUR_MS = 3_600_000;
const stateOf = (tab: Tab) => tab.evaluate<string>('client.session');
const refreshIn = (tab: Tab) =>
  tab.evaluate<string>('client.refresh().catch((error) => error.name)');
const expectAll = (statuses: number[], status: number): Verdict =>
  statuses.every((found) => found === status) ? undefined : `answers ${[...new Set(statuses)]}`;
const becomes = async (tab: Tab, state: string): Promise<Verdict> => {
  const found = await until(
    () => stateOf(tab),
    (now) => now === state,
    5_000,
  );
  return found === state ? undefined : `stays ${found}`;
};

export const TRIALS: Trial[] = [
  {
    fault: 'a clock that was an hour ahead and is set right: 60 calls',
    most: 2,
    run: async ({ tab }) => {
      await tab.evaluate(`(skewMs = ${HOUR_MS}, client.refresh())`);
      return expectAll(await tab.evaluate('(skewMs = 0, call(60))'), 200);
    },
  },
  {
    fault: 'a clock that was an hour behind and is set right: 60 calls',
    most: 1,
    run: async ({ tab }) => expectAll(await tab.evaluate(`(skewMs = ${HOUR_MS}, call(60))`), 200),
  },
  {
    fault: 'an API that always answers 401: 20 calls',
    most: 1,
    run: async ({ world, tab }) => {
      world.api = 'refuses';
      return expectAll(await tab.evaluate('call(20)'), 401);
    },
  },
  {
    fault: 'an API that wants a stronger sign-in (RFC 9470): 5 calls',
    most: 0,
    run: async ({ world, tab }) => {
      world.api = 'asks for more';
      return expectAll(await tab.evaluate('call(5)'), 401);
    },
  },
  {
    fault: '`503` and `Retry-After: 3600` of a proxy: the session stays',
    run: async ({ world, tab }) => {
      world.service = 'is behind a proxy that is down';
      const said = await refreshIn(tab);
      if (said !== 'SessionUnavailableError') return `a refresh answers ${said}`;
      return becomes(tab, 'active');
    },
  },
  {
    fault: '`Retry-After: 3600` of a proxy, and the person signs out',
    run: async ({ world, tab, userId }) => {
      world.service = 'is behind a proxy that is down';
      await refreshIn(tab);
      world.service = 'works';
      await tab.evaluate('client.signOut()');
      const [reason] = await world.endings(userId);
      return reason === 'signed_out' ? becomes(tab, 'signed_out') : `the session ends by ${reason}`;
    },
  },
  {
    fault: 'every answer of the service is lost for half a second',
    run: async ({ world, tab }) => {
      await sleep(GRACE_MS + 200);
      world.service = 'loses answers';
      const refreshing = refreshIn(tab);
      await sleep(500);
      world.service = 'works';
      const said = await refreshing;
      if (said === 'active') return undefined;
      return `a refresh answers ${said}: ${await tab.evaluate('reasons')}`;
    },
  },
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
      await tab.goto(`${APP}/elsewhere`);
      for (let step = 0; step < 2; step += 1) {
        await sleep(GRACE_MS + 200);
        await refreshIn(other);
      }
      await sleep(GRACE_MS + 200);
      await tab.evaluate('(setTimeout(() => history.back()), 1)');
      await until(
        () => tab.evaluate('typeof client').catch(() => null),
        (kind) => kind === 'object',
      );
      const said = await refreshIn(tab);
      const [reason] = await world.endings(userId);
      if (reason !== null) return `the session ends by ${reason}`;
      return opened ?? (said === 'active' ? undefined : `a refresh answers ${said}`);
    },
  },
];

async function setUp(world: World, mode: Mode, profile: Profile): Promise<Scene> {
  const userId = newPerson();
  const { tokens, startUrl } = await world.startSession(mode, userId);
  const openIn = (tab: Tab) => tab.evaluate(`(openClient('${mode}'), 1)`);
  const tab = await profile.openTab(startUrl);
  // The hand-off ends at the app.
  await until(
    () => tab.evaluate('typeof openClient').catch(() => null),
    (kind) => kind === 'function',
  );
  await openIn(tab);
  if (tokens !== null) await tab.evaluate(`client.start(${JSON.stringify(tokens)})`);
  const late = await becomes(tab, 'active');
  if (late !== undefined) throw new Error(`the page ${late}`);
  const openTab = async () => {
    const other = await profile.openTab(`${APP}/`);
    await openIn(other);
    // A page that nobody sees asks for nothing by itself, and WebKit opens a window behind others.
    await other.evaluate(`(document.visibilityState === 'hidden' && client.refresh(), 1)`);
    return other;
  };
  return { world, mode, profile, tab, openTab, userId };
}

/** The cell of the table. */
export async function tryOut(world: World, trial: Trial, mode: Mode, profile: Profile) {
  Object.assign(world, { api: 'works', service: 'works' });
  const scene = await setUp(world, mode, profile);
  world.requests.length = 0;
  const wrong = await trial.run(scene);
  const refreshes = world.requests.filter(
    ({ url, method }) => method === 'POST' && /\/(oauth\/token|browser\/refresh)$/.test(url),
  ).length;
  const { most } = trial;
  const isDear = most !== undefined && refreshes > most;
  const cost = most === undefined ? 'yes' : `${refreshes} of ${most}`;
  return { isGood: wrong === undefined && !isDear, text: wrong === undefined ? cost : wrong };
}

export { MODES };

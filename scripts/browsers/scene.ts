/** What a trial of the client begins with: somebody who is signed in, in a tab of the app. */
import { type Profile, type Tab, until } from './engine.ts';
import { APP, MODES, type Mode, newPerson, type World } from './world.ts';

export interface Scene {
  world: World;
  mode: Mode;
  profile: Profile;
  /** Signed in, its client ready. */
  tab: Tab;
  /** Another tab of the app, whose client has just been opened. */
  openTab(): Promise<Tab>;
  userId: string;
  /** Another person signs in in a tab: who. */
  signInAnother(tab: Tab): Promise<string>;
}

/** What is wrong, as a text; nothing where all is well. */
export type Verdict = string | undefined;

export interface Trial {
  fault: string;
  /** How many refreshes it may cost, where that is the point. */
  most?: number | Record<Mode, number>;
  /** Where it can happen. Default: everywhere. */
  modes?: readonly Mode[];
  run(scene: Scene): Promise<Verdict>;
}

export const HOUR_MS = 3_600_000;
export const stateOf = (tab: Tab) => tab.evaluate<string>('client.session');
export const refreshIn = (tab: Tab) =>
  tab.evaluate<string>('client.refresh().catch((error) => error.name)');
export const expectAll = (statuses: number[], status: number): Verdict =>
  statuses.every((found) => found === status) ? undefined : `answers ${[...new Set(statuses)]}`;
export const becomes = async (tab: Tab, state: string): Promise<Verdict> => {
  const found = await until(
    () => stateOf(tab),
    (now) => now === state,
    5_000,
  );
  return found === state ? undefined : `stays ${found}`;
};
/** Whose session a tab says it is. */
export const whoIn = (tab: Tab) =>
  tab.evaluate<string | null>(
    'client.getSession().then((claims) => claims && claims.sub, (error) => error.name)',
  );
export const isIn = async (tab: Tab, person: string): Promise<Verdict> => {
  const found = await until(
    () => whoIn(tab),
    (now) => now === person,
    5_000,
  );
  return found === person ? undefined : `is of ${found}`;
};
/** Waits for the app's page, whose client is made when it is loaded. */
const waitForClient = (tab: Tab) =>
  until(
    () => tab.evaluate('typeof client').catch(() => null),
    (kind) => kind === 'object',
  );
/** Away from the app's page, and Back when something has happened. */
export async function awayWhile(tab: Tab, happen: () => Promise<unknown>): Promise<void> {
  await tab.goto(`${APP}/elsewhere`);
  await happen();
  await tab.evaluate('(setTimeout(() => history.back()), 1)');
  await waitForClient(tab);
}
export const isHidden = (tab: Tab) =>
  tab.evaluate<boolean>("document.visibilityState === 'hidden'");
/** A page that nobody sees asks for nothing by itself, and WebKit keeps windows behind others. */
export const lookAt = (tab: Tab) =>
  tab.evaluate(`(document.visibilityState === 'hidden' && client.refresh().catch(() => {}), 1)`);
export const MODES_WITH_BEARER = MODES.filter((mode) => mode !== 'cookie');

export async function setUp(world: World, mode: Mode, profile: Profile): Promise<Scene> {
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
    if (tokens === null) await lookAt(other);
    return other;
  };
  const signInAnother = async (target: Tab) => {
    const person = newPerson();
    const { tokens: others, startUrl: url } = await world.startSession(mode, person);
    if (others !== null) {
      await target.evaluate(`client.start(${JSON.stringify(others)})`);
      return person;
    }
    // A page of the app sends the browser there, so that nobody is asked about the session before.
    await target.evaluate(`(setTimeout(() => { delete window.client; location = '${url}'; }), 1)`);
    await waitForClient(target);
    await lookAt(target);
    return person;
  };
  return { world, mode, profile, tab, openTab, userId, signInAnother };
}

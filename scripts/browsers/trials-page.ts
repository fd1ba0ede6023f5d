/** The page for people, `/account`, as a person uses it. */
import { type Profile, type Tab, until } from './engine.ts';
import { AUTH, newPerson, type World } from './world.ts';

interface PageTrial {
  what: string;
  /** What is wrong; nothing where all is well. */
  run(world: World, profile: Profile): Promise<string | undefined>;
}

async function signIn(world: World, profile: Profile, userId = newPerson()) {
  const { startUrl } = await world.startSession('cookie', userId);
  const tab = await profile.openTab(startUrl);
  await until(
    () => tab.evaluate<string>('location.href'),
    (href) => !href.startsWith(AUTH),
  );
  return { tab, userId };
}

const textOf = (tab: Tab) => tab.evaluate<string>('document.body.innerText');
const includes = (text: string, wanted: string) =>
  text.includes(wanted) ? undefined : `does not say "${wanted}"`;

/** Presses the one button whose text begins so, and waits for the page that it leads to. */
async function press(tab: Tab, label: string): Promise<string | undefined> {
  const found = await tab.evaluate<boolean>(`(() => {
    const all = [...document.querySelectorAll('button, a')];
    const button = all.find((one) => one.textContent.trim().startsWith(${JSON.stringify(label)}));
    window.isOld = true;
    setTimeout(() => button?.click());
    return Boolean(button);
  })()`);
  if (!found) return `has no button "${label}"`;
  await until(
    () => tab.evaluate<boolean>('window.isOld === undefined').catch(() => false),
    Boolean,
  );
  return undefined;
}

const WIDTH = 320;

export const PAGE_TRIALS: PageTrial[] = [
  {
    what: 'shows this device',
    run: async (world, profile) => {
      const { tab } = await signIn(world, profile);
      await tab.goto(`${AUTH}/account`);
      return includes(await textOf(tab), 'This device');
    },
  },
  {
    what: 'shows nobody’s devices without a session',
    run: async (_, profile) => {
      const tab = await profile.openTab(`${AUTH}/account`);
      const text = await textOf(tab);
      return text.includes('This device') ? 'shows a device' : undefined;
    },
  },
  {
    what: 'signs out of all other devices',
    run: async (world, profile) => {
      const { tab, userId } = await signIn(world, profile);
      await world.startSession('token', userId);
      await tab.goto(`${AUTH}/account`);
      const label = 'Sign out of all other devices';
      // A page asks first.
      const wrong = (await press(tab, label)) ?? (await press(tab, label));
      const endings = await world.endings(userId);
      const ended = endings.filter((reason) => reason !== null).length;
      return wrong ?? (ended === 1 ? undefined : `${ended} sessions end`);
    },
  },
  ...['en', 'de', 'ar', 'ja'].map((language) => ({
    what: `does not overflow a window of ${WIDTH} pixels (\`${language}\`)`,
    run: async (world: World, profile: Profile) => {
      const { tab } = await signIn(world, profile);
      await tab.narrow(WIDTH);
      await tab.goto(`${AUTH}/account?lang=${language}`);
      const [content, window] = await tab.evaluate<[number, number]>(
        '[document.documentElement.scrollWidth, innerWidth]',
      );
      return content <= window ? undefined : `is ${content} wide in ${window}`;
    },
  })),
];

/** The page of `npm start`, by http as it comes and by https as `HTTPS=1` serves it. */
import { type Service, startService } from '../../test/node/service.ts';
import { type Profile, until } from './engine.ts';

export interface StartTrial {
  what: string;
  run(profile: Profile): Promise<{ isGood: boolean; text: string }>;
  stop(): Promise<unknown>;
}

const SIGNED_IN = 'You have a session.';
const SAYS_WHY = 'HTTPS=1 npm start';

export async function startTrials(): Promise<StartTrial[]> {
  const plain = await startService();
  const secure = await startService([], { HTTPS: '1' });
  return [
    { ...toTrial(plain, [SIGNED_IN, SAYS_WHY]), what: '`npm start`: a click at http://localhost' },
    { ...toTrial(secure, [SIGNED_IN]), what: '`HTTPS=1 npm start`: a click at https://localhost' },
  ];
}

function toTrial({ origin, stop }: Service, wanted: string[]): Omit<StartTrial, 'what'> {
  return {
    run: async (profile) => {
      const tab = await profile.openTab(`${origin}/`);
      await tab.evaluate(`(setTimeout(() => document.querySelector('form button').click()), 1)`);
      const text = await until(
        () => tab.evaluate<string>('document.body.innerText').catch(() => ''),
        (now) => now.includes(SIGNED_IN) || now.includes(SAYS_WHY),
      );
      const found = wanted.find((one) => text.includes(one));
      if (found === SIGNED_IN) return { isGood: true, text: 'has a session' };
      if (found === SAYS_WHY) return { isGood: true, text: 'says that the cookies were dropped' };
      return { isGood: false, text: 'has no session, and says nothing' };
    },
    stop: () => stop(),
  };
}

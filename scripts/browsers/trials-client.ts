/**
 * What goes wrong around the client for apps, in every mode, and how many refreshes it may cost:
 * the table of test/client/faults.test.ts where real browsers, tabs and a network are part of it.
 */
import { WORKS } from './api.ts';
import type { Profile } from './engine.ts';
import { FAULTS_OF_APIS } from './faults-of-apis.ts';
import { FAULTS_OF_NETWORKS } from './faults-of-networks.ts';
import { FAULTS_OF_TABS } from './faults-of-tabs.ts';
import { setUp, type Trial } from './scene.ts';
import { MODES, type Mode, type World } from './world.ts';

export const TRIALS = [...FAULTS_OF_APIS, ...FAULTS_OF_NETWORKS, ...FAULTS_OF_TABS];

/** The cell of the table. */
export async function tryOut(world: World, trial: Trial, mode: Mode, profile: Profile) {
  Object.assign(world, { api: WORKS, between: null });
  const scene = await setUp(world, mode, profile);
  world.requests.length = 0;
  const failed = () => scene.tab.evaluate<string[]>('failures').catch(() => []);
  const found = await trial.run(scene);
  // Nothing may fail where nobody catches it.
  const [failure] = await failed();
  const wrong = found ?? (failure && `nobody catches ${failure}`);
  const refreshes = world.requests.filter(
    ({ url, method }) => method === 'POST' && /\/(oauth\/token|browser\/refresh)$/.test(url),
  ).length;
  const most = typeof trial.most === 'object' ? trial.most[mode] : trial.most;
  const isDear = most !== undefined && refreshes > most;
  const cost = most === undefined ? 'yes' : `${refreshes} of ${most}`;
  return { isGood: wrong === undefined && !isDear, text: wrong ?? cost };
}

export { MODES };

/**
 * Chooses the home in which a new user begins: a home that takes new users, in the nearest region
 * that has one. Homes that share a region share its users by rendezvous hashing, so that with one
 * more home nobody who was there belongs elsewhere but to the new one.
 */
import type { HomeConfig, Region } from '../config/homes';
import { sha256 } from '../crypto';
import { rankRegions, rankRegionsFrom } from './regions';

/** The name of the home for `subject`, a user's id or anything random, of a request from `cf`. */
export async function chooseHome(
  homes: ReadonlyMap<string, HomeConfig>,
  { subject, cf }: { subject: string; cf: Record<string, unknown> | null },
): Promise<string> {
  const open = [...homes.values()].filter(({ newUsers }) => newUsers === 'any');
  const name = await chooseAmong(open, rankRegions(cf), subject);
  if (name === null) throw new Error('the configuration has a home that takes any new users');
  return name;
}

/**
 * Chooses the home to which a user of a drained home moves: the nearest one; null when there is
 * none of the same jurisdiction.
 */
export async function chooseNextHome(
  homes: ReadonlyMap<string, HomeConfig>,
  from: HomeConfig,
  subject: string,
): Promise<string | null> {
  const open = [...homes.values()].filter(
    ({ name, newUsers, jurisdiction }) =>
      name !== from.name &&
      newUsers === 'any' &&
      (from.jurisdiction === null || from.jurisdiction === jurisdiction),
  );
  const [region] = from.regions;
  return chooseAmong(open, region === undefined ? null : rankRegionsFrom(region), subject);
}

async function chooseAmong(
  open: readonly HomeConfig[],
  ranked: readonly Region[] | null,
  subject: string,
): Promise<string | null> {
  const nearest = ranked?.find((region) => open.some(({ regions }) => regions.includes(region)));
  // `DB` comes first in the configuration, so it is the default as long as it takes anyone.
  const [fallback] = open;
  if (nearest === undefined) return fallback?.name ?? null;
  const names = open.filter(({ regions }) => regions.includes(nearest)).map(({ name }) => name);
  return pickByRendezvous(names, subject);
}

/**
 * The name whose hash with the key is the highest. Another name more or less changes nothing
 * between the others.
 */
export async function pickByRendezvous(names: readonly string[], key: string): Promise<string> {
  const scored = await Promise.all(
    names.map(async (name) => ({ name, score: await sha256(`${name}|${key}`) })),
  );
  const best = scored.reduce((a, b) => (b.score > a.score ? b : a));
  return best.name;
}

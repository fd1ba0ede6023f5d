/** Finds what the person has just done here, which the page says once. */
import type { EventView } from '../../calls/account-view';

export type Done = 'device' | 'others';

/** From the form to the page that it leads to, on a slow line too. */
const JUST_NOW_MS = 120_000;

/**
 * Reads from the address what was done, as far as the security log and the list of devices bear it
 * out: anybody can write an address, and lead a person to it.
 */
export function findDone(
  said: string | undefined,
  events: readonly EventView[],
  areOthers: boolean,
  now: number,
): Done | null {
  const wasSignedOut = events.some(
    ({ type, by, at }) =>
      type === 'session_revoked' && by === 'user' && now - at.getTime() < JUST_NOW_MS,
  );
  if (!wasSignedOut) return null;
  if (said === 'others') return areOthers ? null : said;
  return said === 'device' ? said : null;
}

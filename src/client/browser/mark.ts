/**
 * How far the session has come, where every tab of the app reads it: epoch and step, never a token.
 * A page that a browser restores from its back-forward cache has missed what other tabs said. Its
 * refresh token may have been superseded long ago, and presenting it would be taken for theft.
 */
import type { Grant } from './grant';
import { host } from './host';

export interface Mark {
  /** Whether another tab is known to have a later refresh token of the same sign-in. */
  isAhead(grant: Grant): boolean;
  set(grant: Grant): void;
  clear(): void;
}

/** `isKept` false: tokens are in a storage that is read anyway, or there are none. */
export function openMark(name: string, isKept: boolean): Mark {
  const key = `${name} step`;
  /** Storage that is off limits, as in some frames, throws; then there is no mark. */
  const attempt = <T>(act: (store: NonNullable<typeof host.localStorage>) => T): T | null => {
    try {
      return isKept && host.document && host.localStorage ? act(host.localStorage) : null;
    } catch {
      return null;
    }
  };
  return {
    isAhead: ({ epoch, step }) => {
      const [markedEpoch, markedStep] = attempt((store) => store.getItem(key))?.split(' ') ?? [];
      return Number(markedEpoch) === epoch && Number(markedStep) > step;
    },
    set: ({ epoch, step }) => attempt((store) => store.setItem(key, `${epoch} ${step}`)),
    clear: () => attempt((store) => store.removeItem(key)),
  };
}

/**
 * How far the session has come, where every tab of the app reads it: epoch and step, never a token.
 * A page that a browser restores from its back-forward cache has missed what other tabs said. Its
 * refresh token may have been superseded long ago, and presenting it would be taken for theft.
 */
import type { Grant } from './grant';
import { host } from './host';
import type { Setup } from './setup';

export interface Mark {
  /** Whether another tab is known to have a later refresh token, or one of a later sign-in. */
  isAhead(grant: Grant): boolean;
  /** Null: there is no session. */
  put(grant: Grant | null): void;
}

/** With cookies no page has a token that could be behind. */
export function openMark({ name, hasTokens }: Setup): Mark {
  const key = `${name} step`;
  /** Storage that is missing, or off limits as in some frames, throws; then there is no mark. */
  const attempt = <T>(act: (store: NonNullable<typeof host.localStorage>) => T) => {
    try {
      if (hasTokens && host.document) return act(host.localStorage as never);
    } catch {}
    return undefined;
  };
  return {
    isAhead: ({ epoch, step }) => {
      const [markedEpoch, markedStep] = attempt((store) => store.getItem(key))?.split(' ') ?? [];
      return (+(markedEpoch as string) - epoch || +(markedStep as string) - step) > 0;
    },
    put: (grant) =>
      attempt((store) =>
        grant ? store.setItem(key, `${grant.epoch} ${grant.step}`) : store.removeItem(key),
      ),
  };
}

/**
 * A grant: the answer of a refresh, and the order among such answers. A refresh token always has
 * the same successor, so the number of steps since the sign-in orders the answers of one session,
 * whichever tab they came to and however late.
 */

import type { Clock } from './clock';
import type { Setup } from './setup';
import type { SessionClaims } from './types';

export interface Grant {
  /** Which sign-in: later ones have greater numbers, in every tab. */
  epoch: number;
  /** Rotations since the sign-in. */
  step: number;
  /** Answers since the sign-in: what orders those of one step, whatever clocks say. */
  turn: number;
  /** When it was asked for, in ms by this device's clock. */
  at: number;
  /** How long the access token is good for. */
  lifeMs: number;
  /** How long after `at` to refresh. */
  dueMs: number;
  /** Where the app sends it itself; otherwise no script sees it. */
  access?: string;
  /** Token mode only. */
  refresh?: string;
  /** Of the access token, as the service tells them: to an app the token itself is opaque. */
  claims?: SessionClaims;
}

/** The part of a grant that a request for the next one is made with. */
export type Presented = Pick<Grant, 'epoch' | 'step' | 'turn' | 'refresh'>;

/** The part of an answer that matters here. */
export interface Answer {
  access_token?: string;
  refresh_token?: string;
  expires_in?: number;
  claims?: SessionClaims;
}

/** Whether `a` is newer than `b`. */
export const isAfter = (a: Grant, b: Grant): boolean =>
  (a.epoch - b.epoch || a.step - b.step || a.turn - b.turn || a.at - b.at) > 0;

/**
 * Good for a request that is sent now, with time for it to arrive. False also when the clock was
 * set back.
 */
export function isFresh({ at, lifeMs }: Grant, { span }: Clock): boolean {
  return span(lifeMs - Math.min(lifeMs / 10, 5_000), at)() > 0;
}

/**
 * Reads an answer; null when it is none, such as the page of a captive portal. The device's clock
 * may be hours off, so what counts is `expires_in`, from `at` on; `refresh_at`, a moment of the
 * server's clock, is the same part of the token's life. `at` is when it was asked for.
 */
export function toGrant(
  sent: Presented,
  { access_token: access, refresh_token: refresh, expires_in: expiresIn, claims }: Answer,
  setup: Setup,
  at: number,
): Grant | null {
  const isWhole = (access || !setup.isBearer) && (refresh || !setup.hasTokens);
  if (typeof expiresIn !== 'number' || !isWhole) return null;
  return {
    epoch: sent.epoch,
    step: sent.step + (refresh === sent.refresh ? 0 : 1),
    turn: sent.turn + 1,
    at,
    lifeMs: expiresIn * 1000,
    dueMs: expiresIn * (750 + setup.clock.random() * 150),
    access,
    refresh,
    claims,
  };
}

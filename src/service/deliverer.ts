/**
 * Makes the deliverer of one home's events, for the first attempt after an answer (deliveries.ts)
 * and for the cron's (scheduled.ts).
 */
import type { Config } from '../config/config';
import type { Keyring } from '../crypto';
import type { Home } from '../db/d1';
import { type KeySet, needSigningKey } from '../tokens/signing-keys';
import type { Deliverer } from '../webhooks/deliver';
import { reviewUrlOf } from './review-event';

interface Keys {
  keyring: () => Promise<Keyring>;
  /** The keys of the home. They are read only where an endpoint takes signed tokens. */
  keySet: () => Promise<KeySet>;
  /** Milliseconds since 1970. */
  now: () => number;
}

export function delivererOf(
  { webhooks, issuer }: Config,
  home: Home,
  { keyring, keySet, now }: Keys,
  customFetch: typeof fetch,
): Deliverer {
  const transmitter: Deliverer['transmitter'] = {
    issuer,
    signingKey: async () => needSigningKey(await keySet(), now()),
    reviewUrl: async (event) => reviewUrlOf(issuer, await keyring(), home, event),
  };
  return { webhooks, transmitter, fetch: customFetch };
}

/**
 * A brake on refreshes and on guessed client secrets, by Cloudflare's Rate Limiting bindings where
 * there are any: each session's refreshes, before the database is asked, and each address's
 * failures. They count approximately and in one place at a time: they slow a flood, and decide
 * nothing. A failure beyond the limit is told nothing but 429; a good refresh, or the right secret,
 * from the same address still succeeds, because many people may share it.
 */
import ipaddr from 'ipaddr.js';
import { parseAddress, toNetwork } from '../risk/address';
import type { Caller } from './caller';
import { type Refused, refuse } from './refusal';
import type { Service } from './service';

/** The period of the bindings in wrangler.toml. */
const RETRY_AFTER_SECONDS = 60;

/** Refuses when this session is refreshed more often than anyone needs. */
export function throttleSession(
  { rateLimits }: Service,
  sessionId: string,
): Promise<Refused | null> {
  return take(rateLimits.sessionRefreshes, sessionId);
}

/**
 * Counts a failure for the caller's address, of IPv6 its /64, and the client, proven or claimed.
 * Refuses beyond the limit.
 */
export async function throttleFailure(
  caller: Caller,
  { rateLimits }: Service,
  clientId: string,
): Promise<Refused | null> {
  const address = parseAddress(caller.device.address);
  if (address === null) return null;
  const source =
    address instanceof ipaddr.IPv6
      ? toNetwork(address, { ipv4: 32, ipv6: 64 })
      : address.toString();
  return take(rateLimits.failedRefreshes, `${clientId}|${source}`);
}

/** Without a binding, or with one that does not answer, everything passes. */
async function take(limit: RateLimit | null, key: string): Promise<Refused | null> {
  const outcome = await limit?.limit({ key }).catch(() => null);
  return outcome?.success === false
    ? refuse({ code: 'too_many_requests', retryAfterSeconds: RETRY_AFTER_SECONDS })
    : null;
}

/**
 * A brake on refreshes, by Cloudflare's Rate Limiting bindings where there are any: each session's
 * refreshes, before the database is asked, and each address's failures. They count approximately
 * and in one place at a time: they slow a flood, and decide nothing. A failure beyond the limit is
 * told nothing but 429; a good refresh from the same address still succeeds, because many people
 * may share it.
 */
import ipaddr from 'ipaddr.js';
import { parseAddress, toNetwork } from '../risk/address';
import type { AppContext } from './context';
import { ProblemError } from './errors';
import type { Service } from './service';
import { readAddress } from './signals';

/** The period of the bindings in wrangler.toml. */
const RETRY_AFTER_SECONDS = 60;

/** Throws `too_many_requests` when this session is refreshed more often than anyone needs. */
export async function throttleSession({ rateLimits }: Service, sessionId: string): Promise<void> {
  await take(rateLimits.sessionRefreshes, sessionId);
}

/**
 * Counts a failure for the caller's address, of IPv6 its /64, and the client. Throws
 * `too_many_requests` beyond the limit.
 */
export async function throttleFailure(
  c: AppContext,
  { rateLimits }: Service,
  clientId: string,
): Promise<void> {
  const address = parseAddress(readAddress(c));
  if (address === null) return;
  const source =
    address instanceof ipaddr.IPv6
      ? toNetwork(address, { ipv4: 32, ipv6: 64 })
      : address.toString();
  await take(rateLimits.failedRefreshes, `${clientId}|${source}`);
}

/** Without a binding, or with one that does not answer, everything passes. */
async function take(limit: RateLimit | null, key: string): Promise<void> {
  const outcome = await limit?.limit({ key }).catch(() => null);
  if (outcome?.success === false)
    throw new ProblemError('too_many_requests', 'Too many requests; retry later', {
      'Retry-After': String(RETRY_AFTER_SECONDS),
    });
}

/**
 * Brakes, by Cloudflare's Rate Limiting bindings where there are any. They count approximately and
 * in one place at a time: they slow a flood, and decide nothing.
 *
 * A request that asks D1 is counted, before it does so, by what the caller proved, whatever the
 * route: the session of a verified credential, or the person whom a client asks about. So nobody's
 * garbage counts for a session that is not theirs, and using a session in one way does not use up
 * the limit of the others: an API cannot stop refreshes, nor anyone a sign-out.
 *
 * Failures of those who proved nothing are counted by their address. Beyond the limit a failure is
 * told nothing but 429; a good credential from the same address still succeeds, because many people
 * may share it.
 */
import { sha256 } from '../crypto';
import { parseAddress, toNetwork } from '../risk/address';
import type { VerifiedRefreshToken } from '../tokens/refresh-token';
import type { Caller, ClientCaller } from './caller';
import { type Refused, refuse } from './refusal';
import type { Service } from './service';

/** The period of the bindings in wrangler.toml. */
const RETRY_AFTER_SECONDS = 60;

/** For the holder of a refresh token or of a session's cookie. */
export async function throttleToken(
  { rateLimits }: Service,
  token: VerifiedRefreshToken,
): Promise<Refused | null> {
  return take(rateLimits.sessionRefreshes, ['token', ...(await toCounted(token))]);
}

/** For the holder of an access token. */
export function throttleAccess(
  { rateLimits }: Service,
  sessionId: string,
): Promise<Refused | null> {
  return take(rateLimits.sessionRefreshes, ['access', sessionId]);
}

/** For a browser that brings the code of a hand-off. */
export function throttleHandOff(
  { rateLimits }: Service,
  sessionId: string,
): Promise<Refused | null> {
  return take(rateLimits.sessionRefreshes, ['hand-off', sessionId]);
}

/** For the holder of a link that asks about an event. */
export function throttleReview(
  { rateLimits }: Service,
  sessionId: string,
): Promise<Refused | null> {
  return take(rateLimits.sessionRefreshes, ['review', sessionId]);
}

/** For signing out by a token, whichever client it is said to be of. */
export async function throttleSignOut(
  { rateLimits, config }: Service,
  clientId: string,
  token: VerifiedRefreshToken | { sessionId: string },
): Promise<Refused | null> {
  // A cookie may say anything in place of a client.
  const client = config.clients.has(clientId) ? clientId : '';
  return take(rateLimits.sessionRefreshes, ['sign-out', client, ...(await toCounted(token))]);
}

/** For the person of an ID token. */
export function throttleSignIn({ rateLimits }: Service, userId: string): Promise<Refused | null> {
  return take(rateLimits.sessionRefreshes, ['sign-in', userId]);
}

/** For what a client asks about one session, or one person: a token that it shows, or an id. */
export async function throttleClient(
  { client }: ClientCaller,
  { rateLimits }: Service,
  subject: string | VerifiedRefreshToken,
): Promise<Refused | null> {
  const counted = typeof subject === 'string' ? [subject] : await toCounted(subject);
  return take(rateLimits.sessionRefreshes, ['client', client.id, ...counted]);
}

/**
 * For a client that ends sessions of a person. It has a limit of its own, so that a thief of the
 * password cannot use it up by sign-ins and go on with a session.
 */
export function throttleEnding(
  { client }: ClientCaller,
  { rateLimits }: Service,
  subject: string,
): Promise<Refused | null> {
  return take(rateLimits.sessionRefreshes, ['client-end', client.id, subject]);
}

/**
 * A leaked SESSION_SECRET can sign a token for any session, so such a token is counted by itself
 * alone until the database has said whether its secret is the session's.
 */
async function toCounted(token: VerifiedRefreshToken | { sessionId: string }): Promise<string[]> {
  if (!('secret' in token) || !token.mayBeForged) return [token.sessionId];
  return [token.sessionId, await sha256(token.secret)];
}

/**
 * Counts a failure of a caller that proved nothing, for the client, proven or claimed, and the
 * caller's address: of IPv6 its /64, and where none is known all of them together. Refuses beyond
 * the limit.
 */
export async function throttleFailure(
  caller: Caller,
  { rateLimits }: Service,
  clientId: string,
  limit = rateLimits.failedRefreshes,
): Promise<Refused | null> {
  const address = parseAddress(caller.device.address);
  const source =
    address?.version === 6
      ? toNetwork(address, { ipv4: 32, ipv6: 64 })
      : (address?.toString() ?? '');
  return take(limit, [clientId, source]);
}

/** Without a binding, or with one that does not answer, everything passes. */
async function take(limit: RateLimit | null, counted: readonly string[]): Promise<Refused | null> {
  const outcome = await limit?.limit({ key: JSON.stringify(counted) }).catch(() => null);
  return outcome?.success === false
    ? refuse({ code: 'too_many_requests', retryAfterSeconds: RETRY_AFTER_SECONDS })
    : null;
}

/**
 * A thief on a machine of their own, with a copy of the cookie from before the last refresh. The
 * request is an ordinary one, and the service is told nothing of its being a demonstration.
 */
import { SESSION_COOKIE } from '../tokens/session-cookie';
import { findReplaced } from './seen-calls';

/** An address and a network for documentation (RFC 5737, RFC 5398). */
export const THIEF = {
  device: 'Firefox on Linux',
  address: '203.0.113.9',
  place: 'Reykjavík',
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
  cf: { asn: 64_500, country: 'IS', city: 'Reykjavík', latitude: '64.1', longitude: '-21.9' },
} as const;

/** The service's answer to the thief; null while the session has no old token yet. */
export async function replayElsewhere(
  sessionId: string,
  issuer: string,
  ask: (request: Request) => Promise<Response>,
): Promise<Response | null> {
  const cookie = findReplaced(sessionId);
  if (cookie === undefined) return null;
  const response = await ask(
    new Request(`${issuer}/browser/refresh`, {
      method: 'POST',
      headers: {
        Cookie: `${SESSION_COOKIE}=${cookie}`,
        Origin: new URL(issuer).origin,
        'X-Requested-With': 'fetch',
        'User-Agent': THIEF.userAgent,
        'CF-Connecting-IP': THIEF.address,
      },
      cf: THIEF.cf as unknown as RequestInitCfProperties,
    }),
  );
  // The cookies are for the thief's browser; this one keeps its own.
  const headers = new Headers(response.headers);
  headers.delete('set-cookie');
  return new Response(response.body, { status: response.status, headers });
}

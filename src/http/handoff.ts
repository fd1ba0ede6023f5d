/**
 * The backend's half of the hand-off: a session whose tokens no answer holds, and the URL that puts
 * them into a browser.
 */
import type { Home } from '../db/d1';
import { isAllowedReturnUrl } from '../origins';
import type { NewSession } from '../sessions/create';
import type { Session } from '../sessions/session';
import { issueAccessToken } from '../tokens/access-token';
import { HANDOFF_SECONDS, sealHandoff } from '../tokens/handoff-code';
import { findSigningKey } from '../tokens/signing-keys';
import { fitsAccessCookie, MAX_COOKIE_BYTES } from './browser/cookies';
import { ProblemError } from './errors';
import type { Service } from './service';

/**
 * Throws a problem, before anything is created, where the browser could not be sent back or would
 * drop the cookie.
 */
export async function assertCanHandOff(
  service: Service,
  home: Home,
  session: NewSession,
  returnUrl: string,
): Promise<void> {
  const { config, now } = service;
  const client = config.clients.get(session.clientId);
  if (client === undefined || client.origins.length === 0)
    throw new ProblemError(
      'invalid_request',
      'browser is for sessions of clients that have origins',
    );
  if (!isAllowedReturnUrl(client.returnUrls, returnUrl))
    throw new ProblemError(
      'invalid_request',
      'browser.return_url is not one of the return_urls of the client',
    );
  const key = findSigningKey(await service.keySet(home), now());
  if (key === null) throw new Error('no signing key');
  // Tokens of a session differ in what is as long in each, so one of a session that never was tells
  // the length of all.
  const subject = {
    ...session,
    sessionId: crypto.randomUUID(),
    home: home.name,
    claims: session.claims ?? {},
  };
  const end = new Date(now() + config.accessTokenTtlSeconds * 1000);
  const accessToken = await issueAccessToken(key, config, subject, { now: now(), expiresAt: end });
  if (!fitsAccessCookie(accessToken))
    throw new ProblemError(
      'invalid_request',
      `claims make an access token that is too long for a cookie (${MAX_COOKIE_BYTES} bytes with its name)`,
    );
}

/** Where to send the browser, within a minute. */
export async function handOff(
  { config, now, keyring }: Service,
  home: Home,
  { session, secret }: { session: Session; secret: string },
  { clientId, returnUrl }: { clientId: string; returnUrl: string },
) {
  const handoff = { sessionId: session.id, home: home.name, clientId, secret, returnUrl };
  const code = await sealHandoff(await keyring(), handoff, now());
  return { start_url: `${config.issuer}/browser/start?code=${code}`, expires_in: HANDOFF_SECONDS };
}

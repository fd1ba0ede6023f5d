/**
 * The backend's half of the hand-off: a session whose tokens no answer holds, and the URL that puts
 * them into a browser.
 */
import { fitsAccessCookieByAnyKey, MAX_COOKIE_BYTES } from '../access-cookie';
import { policyOf } from '../config/session-policy';
import type { Home } from '../db/d1';
import { isAllowedReturnUrl } from '../origins';
import type { NewSession } from '../sessions/new-session';
import type { Session } from '../sessions/session';
import { issueAccessToken } from '../tokens/access-token';
import { HANDOFF_SECONDS, type Handoff, sealHandoff } from '../tokens/handoff-code';
import { type Refused, refuse } from './refusal';
import type { Service, Signer } from './service';

/**
 * Why a session cannot be handed to a browser; null when it can. Asked before anything is created:
 * the browser could not be sent back, or would drop the cookie.
 */
export async function whyNotHandOff(
  { config, now }: Service,
  { key }: Signer,
  home: Home,
  session: NewSession,
  returnUrl: string,
): Promise<Refused | null> {
  const client = config.clients.get(session.clientId);
  if (client === undefined || client.origins.length === 0)
    return invalid('browser is for sessions of clients that have origins');
  if (!isAllowedReturnUrl(client.returnUrls, returnUrl))
    return invalid('browser.return_url is not one of the return_urls of the client');
  if (client.accessTokenIn === 'memory') return null;
  // A throw-away token for a made-up session id is as long as the real one will be.
  const subject = {
    ...session,
    sessionId: crypto.randomUUID(),
    home: home.name,
    claims: session.claims ?? {},
  };
  const { accessTokenTtlSeconds } = policyOf(config.sessions, session.clientId);
  const end = new Date(now() + accessTokenTtlSeconds * 1000);
  const accessToken = await issueAccessToken(key, config, subject, { now: now(), expiresAt: end });
  return fitsAccessCookieByAnyKey(accessToken)
    ? null
    : invalid(
        `claims make an access token that is too long for a cookie (${MAX_COOKIE_BYTES} bytes with its name)`,
      );
}

const invalid = (detail: string) => refuse({ code: 'invalid_request', detail });

export interface HandOff {
  /** Where to send the browser. */
  startUrl: string;
  /** Seconds until the URL is of no use any more. */
  expiresIn: number;
}

/** A session's first secret in a sealed code, instead of tokens. */
export async function handOff(
  { config, now }: Service,
  { keyring }: Signer,
  home: Home,
  { session, secret }: { session: Session; secret: string },
  to: Pick<Handoff, 'clientId' | 'returnUrl' | 'startedBy'>,
): Promise<HandOff> {
  const handoff = { sessionId: session.id, home: home.name, secret, ...to };
  const code = await sealHandoff(keyring, handoff, now());
  return { startUrl: `${config.issuer}/browser/start?code=${code}`, expiresIn: HANDOFF_SECONDS };
}

/**
 * The backend's half of the hand-off: a session whose tokens no answer holds, and the URL that puts
 * them into a browser.
 */
import { fitsAccessCookieByAnyKey, MAX_COOKIE_BYTES } from '../access-cookie';
import type { Grant } from '../config/authority';
import type { Config } from '../config/config';
import type { Home } from '../db/d1';
import { isAllowedReturnUrl } from '../origins';
import { MAX_ACTOR_LENGTH } from '../sessions/actor';
import { parseGranted } from '../sessions/granted';
import type { NewSession } from '../sessions/new-session';
import type { Session } from '../sessions/session';
import { type AccessTokenSubject, toUnsignedToken } from '../tokens/access-token';
import { HANDOFF_SECONDS, type Handoff, sealHandoff } from '../tokens/handoff-code';
import { toSubject } from './issue-tokens';
import { invalid, type Refused, type Result } from './refusal';
import type { Service, Signer } from './service';
import { toTokenGrant } from './token-grant';

/**
 * Why a session cannot be handed to a browser; null when it can. To be called before anything is
 * created, because the browser could not be sent back, or would drop the cookie.
 */
export function whyNotHandOff(
  config: Config,
  home: Home,
  session: Omit<AccessTokenSubject, 'sessionId' | 'home' | 'scope' | 'claims'> &
    Pick<NewSession, 'claims' | 'audiences' | 'scopes'>,
  returnUrl: string,
): Refused | null {
  const client = config.clients.get(session.clientId);
  if (client === undefined || client.origins.length === 0)
    return invalid('browser is for sessions of clients that have origins');
  if (!isAllowedReturnUrl(client.returnUrls, returnUrl))
    return invalid('browser.return_url is not one of the return_urls of the client');
  if (client.accessTokenIn === 'memory') return null;
  // A token for a made-up session id is as long as the real one will be.
  const granted = (names: readonly string[] | null) => names && JSON.stringify(names);
  const { audience, scope } = toTokenGrant(config, {
    clientId: session.clientId,
    audiences: granted(session.audiences),
    scopes: granted(session.scopes),
  });
  const subject = {
    ...session,
    scope,
    sessionId: crypto.randomUUID(),
    home: home.name,
    claims: session.claims ?? {},
  };
  const token = toUnsignedToken({ issuer: config.issuer, audience }, subject);
  return fitsAccessCookieByAnyKey(token) ? null : invalid(TOO_LONG);
}

/**
 * Why sessions of browsers cannot be given claims: whatever else their access tokens say, a browser
 * would drop the cookie, so that no refresh could be answered. null: they can.
 */
export function whyTooLongForCookie(
  config: Config,
  grant: Grant<'manage_users'>,
  claims: Record<string, unknown>,
): Refused | null {
  const clients = [...config.clients.values()].filter(
    ({ id, origins, accessTokenIn }) =>
      origins.length > 0 && accessTokenIn === 'cookie' && grant.includes(id),
  );
  const homes = [...config.homes.keys()];
  const { issuer, audiences, accountAudience } = config;
  const audience = [...new Set([...audiences, accountAudience])];
  const fits = clients.every(({ id: clientId, scopes, subjectIssuer }) =>
    homes.every((home) => {
      const scope = scopes?.join(' ') ?? null;
      const externalSubject = subjectIssuer && LONGEST_NAME;
      const subject = { ...LONGEST_SUBJECT, externalSubject, home, clientId, scope, claims };
      return fitsAccessCookieByAnyKey(toUnsignedToken({ issuer, audience }, subject));
    }),
  );
  return fits ? null : invalid(TOO_LONG);
}

const TOO_LONG = `claims make an access token that is too long for a cookie (${MAX_COOKIE_BYTES} bytes with its name)`;

/** 255 characters, each of the kind that is longest as JSON and UTF-8. */
const LONGEST_NAME = '\u0001'.repeat(255);

/** The longest values that a session may have. */
const LONGEST_SUBJECT = {
  sessionId: '00000000-0000-0000-0000-000000000000',
  userId: '00000000-0000-0000-0000-000000000000',
  authTime: new Date(0xffff_ffff_000),
  amr: Array.from({ length: 10 }, () => 'x'.repeat(32)),
  acr: 'x'.repeat(128),
  act: { sub: 'x'.repeat(MAX_ACTOR_LENGTH) },
};

export interface HandOff {
  /** Where to send the browser. */
  startUrl: string;
  /** Seconds until the URL is of no use any more. */
  expiresIn: number;
}

/**
 * A sealed code instead of tokens: a session's first secret, or an authentication of a session that
 * the browser has, whose secret no backend knows (empty).
 */
export async function handOff(
  { config, now }: Service,
  { keyring }: Signer,
  { home, session, secret }: { home: Home; session: Session; secret: string },
  to: Pick<Handoff, 'clientId' | 'returnUrl' | 'startedBy' | 'authentication'>,
): Promise<HandOff> {
  const handoff = { sessionId: session.id, home: home.name, secret, ...to };
  const code = await sealHandoff(keyring, handoff, now());
  return { startUrl: `${config.issuer}/browser/start?code=${code}`, expiresIn: HANDOFF_SECONDS };
}

/** The same for a session that is there already. */
export async function handOffKnown(
  service: Service,
  home: Home,
  known: { session: Session; secret: string },
  to: Parameters<typeof handOff>[3],
): Promise<Result<{ session: Session; handOff: HandOff }>> {
  const { session } = known;
  const { authTime, ...how } = to.authentication ?? {};
  const subject = {
    ...toSubject(service.config, session, home),
    ...(authTime !== undefined && { ...how, authTime: new Date(authTime * 1000) }),
    audiences: parseGranted(session.audiences),
    scopes: parseGranted(session.scopes),
  };
  const refused = whyNotHandOff(service.config, home, subject, to.returnUrl);
  if (refused !== null) return refused;
  const signer = await service.signerFor(home);
  return { ok: true, session, handOff: await handOff(service, signer, { ...known, home }, to) };
}

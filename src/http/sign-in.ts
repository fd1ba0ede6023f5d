/**
 * Signing in with an ID token of a trusted issuer, whether it came in a form (RFC 7523) or from a
 * browser's page.
 */
import type { Client } from '../config/clients';
import type { Home } from '../db/d1';
import { pickByRendezvous } from '../homes/choose';
import { NO_SIGNALS } from '../risk/signals';
import { MAX_USER_AGENT_LENGTH } from '../risk/user-agent';
import { createSession, type NewSession } from '../sessions/create';
import { claimAssertion, findOrCreateUser, toUserId } from '../sessions/people';
import type { Session } from '../sessions/session';
import { type Identity, readIssuer, verifyAssertion } from '../tokens/id-token';
import type { AppContext } from './context';
import { startWhereItBelongs } from './placement';
import { reportingOf } from './reporting';
import type { Service } from './service';
import { readSignals } from './signals';
import { throttleFailure } from './throttle';

export type SignInResult =
  | { ok: true; home: Home; session: Session; secret: string }
  /** `outcome` is for the log alone. */
  | { ok: false; reason: 'assertion_refused' | 'session_limit_reached'; outcome: string };

/**
 * Starts a session for the person of an ID token. Two round trips. Throws when its issuer cannot be
 * asked for keys.
 */
export async function signIn(
  c: AppContext,
  service: Service,
  { assertion, nonce, client }: { assertion: string; nonce: string | null; client: Client },
): Promise<SignInResult> {
  const result = await attempt(c, service, { assertion, nonce, client });
  if (!result.ok) await throttleFailure(c, service, client.id);
  return result;
}

async function attempt(
  c: AppContext,
  service: Service,
  { assertion, nonce, client }: { assertion: string; nonce: string | null; client: Client },
): Promise<SignInResult> {
  const { config, now } = service;
  const moment = now();
  const refused = (outcome: string) =>
    ({ ok: false, reason: 'assertion_refused', outcome }) as const;
  const named = readIssuer(assertion);
  if (named === null) return refused('malformed');
  const trusted = config.trustedIssuers.get(named.issuer);
  if (trusted === undefined || !(trusted.clients === null || trusted.clients.has(client.id)))
    return refused('untrusted_issuer');
  const jwks = await service.issuerKeys(trusted, named.kid);
  const verdict = await verifyAssertion(jwks, trusted, assertion, { nonce, now: moment });
  if (!verdict.ok) return refused(verdict.reason);

  const { identity } = verdict;
  const keyring = await service.keyring();
  // A backend's own request tells nothing of where its user is.
  const isPersonsOwn = client.secretHashes.length === 0;
  const { signals } = isPersonsOwn ? await readSignals(c, service) : { signals: NO_SIGNALS };
  const { lifetimeSeconds } = config.sessions;
  const toSession = (userId: string): NewSession => ({
    userId,
    clientId: client.id,
    startedBy: { by: isPersonsOwn ? 'user' : 'client', clientId: client.id },
    userAgent: isPersonsOwn
      ? (c.req.header('user-agent')?.slice(0, MAX_USER_AGENT_LENGTH) ?? null)
      : null,
    ipAddress: signals.address,
    expiresAt:
      lifetimeSeconds === null
        ? null
        : new Date((Math.floor(moment / 1000) + lifetimeSeconds) * 1000),
    authTime: identity.authTime,
    amr: identity.amr,
    acr: identity.acr,
    claims: null,
    signals,
    guestSessionId: null,
  });
  const who = { user: identity, guestSessionId: null, keyHash: null };
  let isFirst: boolean | null = null;
  const { home, result } = await startWhereItBelongs(
    c,
    service,
    who,
    { named: null, newUserId: await toUserId(identity) },
    async (home) => {
      // What the answer needs comes first, so that no assertion is used up in vain.
      await service.keySet(home);
      const userId = await findOrCreateUser(home, identity, moment);
      isFirst ??= await isFirstUse(c, service, home, identity);
      if (!isFirst) return { ok: false, reason: 'assertion_used' };
      const request = { now: moment, reporting: reportingOf(c, config), assertion: identity };
      return createSession(home, keyring, config.sessions, toSession(userId), request);
    },
  );
  if (!result.ok) {
    return result.reason === 'assertion_used'
      ? refused('assertion_used')
      : { ok: false, reason: 'session_limit_reached', outcome: result.reason };
  }
  return { ok: true, home, session: result.session, secret: result.secret };
}

/**
 * The create uses an ID token up in its own home. Where first sign-ins at once may begin in
 * several, one home, the same for all who bring the token, decides before.
 */
async function isFirstUse(
  c: AppContext,
  service: Service,
  home: Home,
  identity: Identity,
): Promise<boolean> {
  const { homes } = service.config;
  if (homes.size === 1) return true;
  const decider = service.findHome(
    await pickByRendezvous([...homes.keys()], identity.hash),
    c.get('meter'),
  );
  return decider === null || decider.name === home.name || claimAssertion(decider, identity);
}

/**
 * Signs in with an ID token of a trusted issuer, whether it came in a form (RFC 7523) or from a
 * browser's page.
 */
import { type Client, isPublic } from '../config/clients';
import { policyOf } from '../config/session-policy';
import type { Home } from '../db/d1';
import { pickByRendezvous } from '../homes/choose';
import { NO_SIGNALS } from '../risk/signals';
import { MAX_USER_AGENT_LENGTH } from '../risk/user-agent';
import { type CreateResult, createSession } from '../sessions/create';
import { type Idempotency, toKeyHash } from '../sessions/idempotency';
import type { NewSession } from '../sessions/new-session';
import { claimAssertion, findOrCreateUser, toUserId } from '../sessions/people';
import type { Session } from '../sessions/session';
import {
  type AssertionVerdict,
  type Identity,
  readIssuer,
  verifyAssertion,
} from '../tokens/id-token';
import { authorize } from './authorize';
import type { Caller } from './caller';
import { isPersonsOwn, signalsOf } from './caller-signals';
import { isNamedFor } from './external-subject';
import { startWhereItBelongs } from './home-of-new-session';
import { issueTokens, type Tokens } from './issue-tokens';
import { type AssertionReason, type Refused, type Result, refuse } from './refusal';
import { reportingOf } from './report';
import type { Service } from './service';
import { whyNotPersistent } from './session-expiry';
import { throttleFailure, throttleSignIn } from './throttle';
import { type GrantParameters, toSessionGrant } from './token-grant';

export interface SignInInput {
  assertion: string;
  nonce: string | null;
  client: Client;
  /** The audiences and scopes that the session's tokens are asked to have. */
  grantParameters: GrantParameters;
  /** Whether its browser keeps it when it is closed; null: as its client has it. */
  persistent: boolean | null;
  /** A repeat with this key and the same ID token gives the same session; null: no repeat can. */
  idempotencyKey: string | null;
  /** Is called before anything starts, or is used up. null: the sign-in goes on. */
  admit?: (userId: string) => Promise<Refused | null>;
}

export type SignInResult = Result<{ session: Session; tokens: Tokens; isRepeat: boolean }>;

/** Two round trips. Throws when the issuer of the ID token cannot be asked for keys. */
export async function signIn(
  caller: Caller,
  service: Service,
  input: SignInInput,
): Promise<SignInResult> {
  const result = await attempt(caller, service, input);
  if (result.ok || result.refusal.code !== 'assertion_refused') return result;
  return (await throttleFailure(caller, service, input.client.id)) ?? result;
}

async function attempt(
  caller: Caller,
  service: Service,
  input: SignInInput,
): Promise<SignInResult> {
  const { client, idempotencyKey } = input;
  const { config } = service;
  const now = service.now();
  const authorized = authorize(client, 'sign_in');
  if (!authorized.ok) return authorized;
  const granted = toSessionGrant(config, client.id, input.grantParameters);
  if (!granted.ok) return granted;
  const notPersistent = whyNotPersistent(config.sessions, client.id, input.persistent);
  if (notPersistent !== null) return notPersistent;
  const verified = await verifyIdentity(service, input, now);
  if (!verified.ok) return verified;
  const { identity } = verified;
  logDropped(caller, client, identity);
  const newUserId = await toUserId(identity);
  const throttled = await throttleSignIn(service, newUserId);
  if (throttled !== null) return throttled;

  const keyring = await service.keyring();
  const draft = await draftSession(caller, service, { ...input, identity, now });
  const { grant } = authorized;
  const startedBy = { by: isPublic(client) ? ('user' as const) : ('client' as const), grant };
  const claim = toIdempotency(client, identity, idempotencyKey);
  const keys = { user: identity, guest: null, keyHash: claim && (await toKeyHash(claim)) };
  const issuedName = client.subjectIssuer === null ? {} : { issuedName: identity };
  const context = { policy: config.sessions, now, reporting: reportingOf(caller, config) };
  let isFirst: boolean | null = null;
  const started = await startWhereItBelongs(caller, service, { keys, newUserId }, async (home) => {
    const signer = await service.signerFor(home);
    const userId = await findOrCreateUser(home, identity, now);
    const refused = await input.admit?.(userId);
    if (refused) return refused;
    isFirst ??= await isFirstUse(caller, service, home, identity);
    if (!isFirst && claim === null) return refuseAssertion('assertion_used');
    // Used up here as well, the ID token starts nothing more: the key only finds what it made.
    if (!isFirst) await claimAssertion(home, identity);
    const request = { ...context, assertion: identity, idempotency: claim };
    const session = { ...draft, ...granted.granted, ...issuedName, userId, startedBy };
    const created = await createSession(home, keyring, session, request);
    return created.ok ? { ...created, signer } : toRefused(created.reason);
  });
  if (!started.ok) return started;
  service.tally.point('starts', started.isRepeat ? 'repeated' : 'signed_in', client.id);
  const tokens = await issueTokens(service, started.signer, started);
  return { ok: true, session: started.session, tokens, isRepeat: started.isRepeat };
}

/** Verifies an ID token and says whose it is. Throws when its issuer cannot be asked for keys. */
async function verifyIdentity(
  { config, issuerKeys }: Service,
  { assertion, nonce, client }: SignInInput,
  now: number,
): Promise<Result<{ identity: Identity }>> {
  const named = readIssuer(assertion);
  if (named === null) return refuseAssertion('malformed');
  const trusted = config.trustedIssuers.get(named.issuer);
  if (trusted === undefined || !(trusted.clients === null || trusted.clients.has(client.id)))
    return refuseAssertion('untrusted_issuer');
  const findKey = await issuerKeys(trusted, named.kid);
  const verdict = await verifyAssertion(findKey, trusted, assertion, { nonce, now });
  if (!verdict.ok) return refuseAssertion(verdict.reason);
  const { identity } = verdict;
  return isNamedFor(client, identity) ? { ok: true, identity } : refuseAssertion('wrong_claims');
}

/** The draft of the session, without its user, its starter and its grant. */
async function draftSession(
  { device }: Caller,
  service: Service,
  {
    client,
    persistent,
    identity: { authTime, amr, acr },
    now,
  }: Pick<SignInInput, 'client' | 'persistent'> & { identity: Identity; now: number },
) {
  const isPersons = isPersonsOwn({ client, device });
  const { signals } = isPersons ? await signalsOf(device, service) : { signals: NO_SIGNALS };
  const userAgent = isPersons ? (device.userAgent?.slice(0, MAX_USER_AGENT_LENGTH) ?? null) : null;
  const { lifetimeSeconds } = policyOf(service.config.sessions, client.id);
  const second = Math.floor(now / 1000);
  return {
    clientId: client.id,
    userAgent,
    ipAddress: signals.address,
    expiresAt: lifetimeSeconds === null ? null : new Date((second + lifetimeSeconds) * 1000),
    authTime,
    amr,
    acr,
    claims: null,
    label: null,
    metadata: null,
    persistent,
    signals,
    act: null,
    guestSessionId: null,
  } satisfies Partial<NewSession>;
}

/**
 * The key is scoped to the person within the client, so that another person's key is never the
 * same; a repeat has to bring the same ID token again.
 */
function toIdempotency(
  { id }: Client,
  { issuer, subject, hash }: Identity,
  key: string | null,
): Idempotency | null {
  if (key === null) return null;
  return { clientId: id, key: JSON.stringify(['sign_in', issuer, subject, key]), request: hash };
}

type Unverified = Extract<AssertionVerdict, { ok: false }>['reason'];

function refuseAssertion(outcome: Unverified | 'assertion_used'): Refused {
  return refuse({ code: 'assertion_refused', reason: toAssertionReason(outcome), outcome });
}

/** null: nobody trustworthy signed it, and whoever made it up is told nothing. */
function toAssertionReason(outcome: Unverified | 'assertion_used'): AssertionReason | null {
  switch (outcome) {
    case 'malformed':
    case 'untrusted_issuer':
    case 'bad_signature':
      return null;
    case 'expired':
    case 'too_old':
      return 'assertion_expired';
    case 'assertion_used':
    case 'wrong_audience':
    case 'wrong_nonce':
    case 'wrong_claims':
      return outcome;
  }
}

/** Sign-ins go on without these claims, so only the log shows that a provider leaves them out. */
function logDropped({ requestId }: Caller, { id }: Client, { issuer, dropped }: Identity): void {
  if (dropped.length === 0) return;
  console.warn(
    JSON.stringify({
      level: 'warn',
      event: 'assertion_claims_dropped',
      request_id: requestId,
      client_id: id,
      issuer,
      claims: dropped,
    }),
  );
}

/** Turns a refusal of the create into the one that the bearer of an ID token gets. */
function toRefused(reason: Extract<CreateResult, { ok: false }>['reason']): Refused {
  switch (reason) {
    case 'assertion_used':
      return refuseAssertion(reason);
    case 'session_limit_reached':
    case 'user_moved':
    case 'idempotency_key_reused':
    case 'idempotent_session_moved_on':
      return refuse({ code: reason });
    case 'user_not_found':
    case 'guest_session_not_found':
      throw new Error('a sign-in has no guest session');
  }
}

/**
 * The create uses an ID token up in its own home. Where several first sign-ins at once may begin in
 * several homes, one home decides before: the same for all who bring the token.
 */
async function isFirstUse(
  caller: Caller,
  service: Service,
  home: Home,
  identity: Identity,
): Promise<boolean> {
  const { homes } = service.config;
  if (homes.size === 1) return true;
  const decider = service.findHome(
    await pickByRendezvous([...homes.keys()], identity.hash),
    caller,
  );
  return decider === null || decider.name === home.name || claimAssertion(decider, identity);
}

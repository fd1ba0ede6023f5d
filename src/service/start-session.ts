/**
 * A backend starts a session for someone whom it has authenticated, or for a guest: tokens for an
 * app, or the hand-off to a browser.
 */

import type { Grant, StartCapability } from '../config/authority';
import { findClient } from '../config/refused-clients';
import { policyOf } from '../config/session-policy';
import type { Home } from '../db/d1';
import { type CreateResult, createSession } from '../sessions/create';
import { type Idempotency, toKeyHash } from '../sessions/idempotency';
import type { NewSession } from '../sessions/new-session';
import { findOrCreateUser, toUserId } from '../sessions/people';
import type { Session } from '../sessions/session';
import { reportAct } from './acts';
import { toAuthTime } from './auth-time';
import { authorize } from './authorize';
import type { ClientCaller } from './caller';
import { signalsOf } from './caller-signals';
import { withSubject } from './external-subject';
import { type HandOff, handOff, whyNotHandOff } from './hand-off';
import { startWhereItBelongs } from './home-of-new-session';
import { toImpersonation, toKnownUser, toStartPolicy } from './impersonate';
import { issueTokens, type Tokens } from './issue-tokens';
import { invalid, type Refused, type Result, refuse } from './refusal';
import { writeContextOf } from './report';
import type { Service } from './service';
import { toExpiry, whyNotPersistent } from './session-expiry';
import type { StartInput } from './start-input';
import { throttleClient } from './throttle';
import { toSessionGrant } from './token-grant';

export type Started = { session: Session; isRepeat: boolean } & (
  | { tokens: Tokens; handOff: null }
  | { tokens: null; handOff: HandOff }
);

/** `idempotency`: the caller's key, and the request that a repeat must be equal to. */
export async function startSession(
  caller: ClientCaller,
  service: Service,
  wanted: StartInput,
  idempotency: { key: string; request: string } | null,
): Promise<Result<Started>> {
  const { imported } = wanted;
  const capability: StartCapability = imported
    ? 'import_sessions'
    : wanted.act === null
      ? 'create_sessions'
      : 'impersonate';
  const authorized = authorize(caller.client, capability);
  if (!authorized.ok) return authorized;
  const { grant } = authorized;
  const named = await toKnownUser(grant, caller, service, wanted);
  if (!named.ok) return named;
  const { input } = named;
  const draft = await draftSession(grant, service, input);
  if (!draft.ok) return draft;
  const { session } = draft;
  if (session.userId !== null && !imported) {
    const throttled = await throttleClient(caller, service, session.userId);
    if (throttled !== null) return throttled;
  }
  const { returnUrl } = input;
  const claim = idempotency && { ...idempotency, clientId: grant.clientId };
  const keys = {
    user: input.userName ?? (session.userId === null ? null : { id: session.userId }),
    guest: session.guestSessionId === null ? null : { sessionId: session.guestSessionId, grant },
    keyHash: claim && (await toKeyHash(claim)),
  };
  const placing = { keys, named: input.home, newUserId: session.userId };
  // A new user begins in a home near the person, where their place is known; not near the backend
  // that imports them.
  const near =
    input.place === null && !imported
      ? caller
      : { ...caller, device: { ...caller.device, cf: input.place } };
  const started = await startWhereItBelongs(near, service, placing, async (home) => {
    const signer = await service.signerFor(home);
    const named = await withSubject(service, home, session, input.userName);
    if (!named.ok) return named;
    if (returnUrl !== null) {
      const refused = whyNotHandOff(service.config, home, named.session, returnUrl);
      if (refused !== null) return refused;
    }
    const isHandedOff = returnUrl !== null;
    const whose =
      input.userName === null
        ? named.session
        : { ...named.session, userId: await findOrCreateUser(home, input.userName, service.now()) };
    const start = { session: whose, claim, isHandedOff, imported };
    const created = await create(caller, service, home, start);
    return created.ok ? { ...created, signer } : toRefused(created);
  });
  if (!started.ok) return started;
  const { isRepeat, signer } = started;
  service.tally.point('starts', isRepeat ? 'repeated' : 'created', session.clientId);
  if (returnUrl === null) {
    const tokens = await issueTokens(service, signer, started);
    return { ok: true, session: started.session, isRepeat, tokens, handOff: null };
  }
  const to = { clientId: session.clientId, returnUrl, startedBy: grant.clientId };
  const handedOff = await handOff(service, signer, started, to);
  return { ok: true, session: started.session, isRepeat, tokens: null, handOff: handedOff };
}

async function create(
  caller: ClientCaller,
  service: Service,
  home: Home,
  {
    session,
    claim,
    isHandedOff,
    imported,
  }: {
    session: NewSession;
    claim: Idempotency | null;
    isHandedOff: boolean;
    imported: StartInput['imported'];
  },
): Promise<CreateResult> {
  const act = await toImpersonation(caller, service, home, session);
  if (imported) imported.act.outboxHome ||= home.name;
  const created = await createSession(home, await service.keyring(), session, {
    ...writeContextOf(caller, service),
    idempotency: claim,
    isHandedOff,
    act: imported?.act ?? act,
    imported: imported?.token,
    assertion: imported && { hash: imported.token.sessionId, expiresAt: imported.knownUntil },
  });
  if (act !== null && created.ok && !created.isRepeat) reportAct(caller, act, [{ home }]);
  return created;
}

function toRefused({ reason }: Extract<CreateResult, { ok: false }>): Refused {
  switch (reason) {
    case 'assertion_used':
      throw new Error('a backend brings no ID token');
    case 'user_not_found':
      return refuse({ code: 'not_found', detail: 'There is no such user' });
    case 'session_limit_reached':
    case 'guest_session_not_found':
    case 'user_moved':
    case 'idempotency_key_reused':
    case 'idempotent_session_moved_on':
      return refuse({ code: reason });
  }
}

/** The draft of the session, as sessions/create.ts takes it. */
async function draftSession(
  grant: Grant<StartCapability>,
  service: Service,
  input: StartInput,
): Promise<Result<{ session: NewSession }>> {
  const { config, now } = service;
  const { userAgent, userName } = input;
  if (input.userId !== null && userName !== null)
    return invalid('user_id and user name the person twice');
  const userId = userName === null ? input.userId : await toUserId(userName);
  const clientId = input.clientId ?? grant.clientId;
  // An unknown client is answered like one that the caller may not act for.
  if (!grant.includes(clientId) || findClient(config, clientId) === undefined)
    return invalid(
      'client_id (unless given, the caller itself) must be a client that the for_clients of the caller names',
    );
  if (input.guestSessionId !== null && userId === null)
    return invalid('guest_session_id needs the user that the guest became');
  const authTime = toAuthTime(input.authTime, now());
  if (!authTime.ok) return authTime;
  const policy = toStartPolicy(policyOf(config.sessions, clientId), input.act);
  const expiry = toExpiry(input.expiresIn, policy, now());
  if (!expiry.ok) return expiry;
  const grants = toSessionGrant(config, clientId, input.grantParameters);
  if (!grants.ok) return grants;
  const refused = whyNotPersistent(config.sessions, clientId, input.persistent);
  if (refused !== null) return refused;
  // The backend's own place says nothing of the place of its user.
  const device = { userAgent, hintedPlatform: null, address: input.ipAddress, cf: input.place };
  const { signals } = await signalsOf(device, service);
  const session: NewSession = {
    userId,
    clientId,
    startedBy: { by: 'client', grant },
    userAgent,
    ipAddress: signals.address,
    signals,
    expiresAt: input.imported?.expiresAt ?? expiry.expiresAt,
    authTime: isProven(input, userId) ? authTime.authTime : null,
    amr: input.amr,
    acr: input.acr,
    claims: input.claims,
    label: input.label,
    metadata: input.metadata,
    persistent: input.persistent,
    ...grants.granted,
    act: input.act,
    guestSessionId: input.guestSessionId,
  };
  return { ok: true, session };
}

/**
 * The backend calls when it has just authenticated the user. That is not so for a guest, a user as
 * whom support acts, or one whose session is imported.
 */
const isProven = ({ act, authTime, imported }: StartInput, userId: string | null) =>
  act === null && ((userId !== null && !imported) || authTime !== null);

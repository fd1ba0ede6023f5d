/**
 * Inspects a token: which session it names, and whether it is good right now (RFC 7662); and ends
 * the session behind it (RFC 7009).
 */

import { isPublic } from '../config/clients';
import type { Home } from '../db/d1';
import { NOBODY } from '../sessions/presented';
import { findLiveSession } from '../sessions/read';
import { endsAt, isStale, type Session } from '../sessions/session';
import { toTrustedClaims } from '../tokens/access-token';
import {
  looksLikeRefreshToken,
  type VerifiedRefreshToken,
  verifyRefreshToken,
} from '../tokens/refresh-token';
import { authorize } from './authorize';
import type { Caller, ClientCaller } from './caller';
import { presenterOf } from './caller-signals';
import { endByClient, hasEnded } from './end-session';
import { subjectOf } from './external-subject';
import { whereSessionIs } from './follow-session';
import { verifiedAt } from './home-of-token';
import { endPresented, present } from './present';
import { type Result, refuse } from './refusal';
import { ruleContextOf } from './report';
import type { Service } from './service';
import { throttleClient, throttleSignOut } from './throttle';
import { isExchanged, isForAccount, verifyOwnAccessToken } from './verify-access-token';

interface NamedSession {
  home: Home;
  sessionId: string;
}

type FoundToken =
  | (NamedSession & { kind: 'refresh_token'; refreshToken: VerifiedRefreshToken })
  | (NamedSession & {
      kind: 'access_token';
      clientId: string;
      /** Seconds since 1970. */
      issuedAt: number;
      /** Whether it may end the session by itself. */
      isForAccount: boolean;
      /**
       * Whether the token was exchanged for another one (RFC 8693): it is for one API, and ends
       * nothing.
       */
      isExchanged: boolean;
      claims: Record<string, unknown>;
    });

/** null: the token is not good, and nothing more is told (RFC 7662 §2.2). */
export type Introspection =
  | { kind: 'access_token'; claims: Record<string, unknown> }
  | {
      kind: 'refresh_token';
      session: Session;
      /** The `sub` that stands in place of the user's id; null: none does. */
      externalSubject: string | null;
      expiresAt: Date | null;
    }
  | null;

/** Whether a token of either kind is good right now. One round trip. */
export async function introspect(
  caller: ClientCaller,
  service: Service,
  token: string,
): Promise<Result<{ introspection: Introspection }>> {
  const authorized = authorize(caller.client, 'introspect');
  if (!authorized.ok) return authorized;
  const { grant } = authorized;
  const { config } = service;
  const found = await findToken(caller, service, token);
  if (found === null) return INACTIVE;
  if (found.kind === 'access_token') {
    // A token of a client that the caller does not act for is unknown to the caller.
    if (!grant.includes(found.clientId)) return INACTIVE;
    if (service.endedSessions.has(found.sessionId)) return INACTIVE;
    const throttled = await throttleClient(caller, service, found.sessionId);
    if (throttled !== null) return throttled;
    const live = await whereSessionIs(caller, service, found, (home) =>
      findLiveSession(home, found.sessionId, ruleContextOf(service)),
    );
    if (live !== null && live.result !== null)
      return isStale(live.result, found.issuedAt)
        ? INACTIVE
        : {
            ok: true,
            introspection: { kind: found.kind, claims: granted(found.claims, live.result) },
          };
    service.endedSessions.add(found.sessionId);
    return INACTIVE;
  }
  // A refresh token concerns its own client alone, and is active while a refresh with it would
  // succeed. Reuse that a refresh would take for theft is reported here too.
  if (!grant.includes(grant.clientId)) return INACTIVE;
  const throttled = await throttleClient(caller, service, found.refreshToken);
  if (throttled !== null) return throttled;
  const { result } = await present(caller, service, found.home, {
    token: found.refreshToken,
    clientId: grant.clientId,
    visitor: NOBODY,
  });
  if (!result.ok) return INACTIVE;
  const { session } = result;
  const expiresAt = endsAt(session, config.sessions);
  const externalSubject = subjectOf(config, session);
  return { ok: true, introspection: { kind: found.kind, session, externalSubject, expiresAt } };
}

/** An earlier release took `scope` for a custom claim, whatever was granted. */
function granted({ scope, ...claims }: Record<string, unknown>, { scopes }: Session) {
  return scopes === null ? claims : { ...claims, scope };
}

const INACTIVE = { ok: true, introspection: null } as const;

/**
 * Ends the session of a token that is the caller's own. Returns whether there was a session to end.
 */
export async function revokeByToken(
  caller: ClientCaller,
  service: Service,
  token: string,
): Promise<Result<{ isRevoked: boolean }>> {
  const found = await findToken(caller, service, token);
  if (found === null) return UNCHANGED;
  const { client } = caller;
  if (found.kind === 'access_token') {
    const { sessionId, home } = found;
    if (found.clientId !== client.id) return UNCHANGED;
    // A caller who only names a public client may be an API that was sent the token.
    if (found.isExchanged || (isPublic(client) && !found.isForAccount))
      return refuse({ code: 'unsupported_token_type' });
    const throttled = await throttleSignOut(service, client.id, found);
    if (throttled !== null) return throttled;
    const target = { sessionId, clientId: client.id };
    return { ok: true, isRevoked: hasEnded(await endByClient(caller, service, home, target)) };
  }
  const throttled = await throttleSignOut(service, client.id, found.refreshToken);
  if (throttled !== null) return throttled;
  const visitor = await presenterOf(caller, service);
  const presentation = { token: found.refreshToken, clientId: client.id, visitor };
  const ended = await endPresented(caller, service, found.home, presentation);
  return { ok: true, isRevoked: hasEnded(ended) };
}

const UNCHANGED = { ok: true, isRevoked: false } as const;

/** An authentic token of either kind; null for anything else. */
async function findToken(
  caller: Caller,
  service: Service,
  token: string,
): Promise<FoundToken | null> {
  if (looksLikeRefreshToken(token)) {
    const verdict = await verifyRefreshToken(await service.keyring(), token, service.now());
    const verified = verifiedAt(caller, service, verdict);
    if (verified === null) return null;
    const { home, token: refreshToken } = verified;
    return { kind: 'refresh_token', home, sessionId: refreshToken.sessionId, refreshToken };
  }
  const verdict = await verifyOwnAccessToken(caller, service, token);
  const verified = verifiedAt(caller, service, verdict);
  if (verified === null) return null;
  const { home, token: found } = verified;
  return {
    kind: 'access_token',
    home,
    sessionId: found.sessionId,
    clientId: found.clientId,
    issuedAt: found.issuedAt,
    isForAccount: isForAccount(found, service),
    isExchanged: isExchanged(found),
    claims: toTrustedClaims(found.payload),
  };
}

/**
 * Token exchange (RFC 8693): an API that was sent an access token has one made from it for the next
 * API. The new token says no more than the first, lives no longer, and names the actor. Nothing is
 * written, but the session is looked up, because one that is over gives no tokens.
 */
import type { Config } from '../config/config';
import { policyOf } from '../config/session-policy';
import { findLiveSession } from '../sessions/read';
import { endsAt, isStale } from '../sessions/session';
import { type AccessToken, issueExchangedToken } from '../tokens/access-token';
import { authorize } from './authorize';
import type { ClientCaller } from './caller';
import { whereSessionIs } from './follow-session';
import { verifiedAt } from './home-of-token';
import { invalid, type Result, refuse } from './refusal';
import type { Service } from './service';
import { throttleClient } from './throttle';
import { type GrantParameters, readScopes } from './token-grant';
import { isFor, verifyOwnAccessToken } from './verify-access-token';

export interface Exchanged {
  accessToken: string;
  /** In seconds. */
  expiresIn: number;
  /** null: the subject token has no scopes. */
  scope: string | null;
}

/** The actors that a token may name, one for the other, the client that asks among them. */
const MAX_ACTORS = 3;

/** Whether any client may exchange tokens. */
export function isTokenExchanged({ clients }: Config): boolean {
  return [...clients.values()].some(({ allow }) => allow.has('exchange'));
}

export async function exchangeToken(
  caller: ClientCaller,
  service: Service,
  subjectToken: string,
  { resource, scope: requestedScope }: GrantParameters,
): Promise<Result<Exchanged>> {
  const { client } = caller;
  const { config } = service;
  const authorized = authorize(caller.client, 'exchange');
  if (!authorized.ok) return authorized;
  if (resource === null) return invalid('resource or audience is missing: whom the token is for');
  // Only a person's own client gets tokens for the account API.
  const known = client.audiences.filter((audience) => config.audiences.includes(audience));
  if (resource.some((audience) => !known.includes(audience)))
    return refuse({ code: 'invalid_target' });
  const verdict = await verifyOwnAccessToken(caller, service, subjectToken);
  const verified = verifiedAt(caller, service, verdict);
  if (verified === null) return NOT_GOOD;
  const { home, token: subject } = verified;
  // The caller may not use a token that another client brought, or that was meant for another API:
  // it would be a confused deputy.
  if (!authorized.grant.includes(subject.clientId)) return NOT_GOOD;
  if (!client.serves.some((audience) => isFor(subject, audience)))
    return invalid('The subject token is for no API that the client serves');
  const actors = actorsOf(subject);
  if (actors.length >= MAX_ACTORS) return invalid(`At most ${MAX_ACTORS} may act for a person`);
  const narrowed = toScope(subject, requestedScope);
  if (!narrowed.ok) return narrowed;
  const { sessionId } = subject;
  const throttled = await throttleClient(caller, service, sessionId);
  if (throttled !== null) return throttled;
  const { key } = await service.signerFor(home);
  const now = service.now();
  const found = await whereSessionIs(caller, service, { home, sessionId }, (place) =>
    findLiveSession(place, sessionId, { policy: config.sessions, now }),
  );
  const session = found?.result ?? null;
  if (session === null || isStale(session, subject.issuedAt)) return NOT_GOOD;
  // Where tokens went stale in this second, the new one is of the next second
  // (service/issue-tokens.ts).
  const notBefore = (session.tokensNotBefore?.getTime() ?? 0) / 1000;
  const second = Math.floor(now / 1000);
  const expiresAt = Math.min(
    subject.expiresAt,
    second + policyOf(config.sessions, client.id).accessTokenTtlSeconds,
    (endsAt(session, config.sessions)?.getTime() ?? Number.POSITIVE_INFINITY) / 1000,
  );
  const audience = [...new Set(resource)];
  const exchanged = { audience, scope: narrowed.scope, clientId: client.id };
  const accessToken = await issueExchangedToken(key, subject, exchanged, {
    issuedAt: Math.max(second, notBefore),
    expiresAt,
  });
  return { ok: true, accessToken, expiresIn: expiresAt - second, scope: narrowed.scope };
}

/** RFC 8693 §2.2.2. The answer is the same for a token that is forged, over, or another's. */
const NOT_GOOD = invalid(
  'The subject token is not good, or not of a client that this one acts for',
);

/** The actors of a token, the last one first (RFC 8693 §4.1). */
function actorsOf({ payload }: AccessToken): unknown[] {
  const actors: unknown[] = [];
  for (let act = payload.act; act != null; act = (act as { act?: unknown }).act) actors.push(act);
  return actors;
}

/** The scopes of the new token: those that are requested of the subject token's, or all of them. */
function toScope(
  { payload }: AccessToken,
  requested: string | null,
): Result<{ scope: string | null }> {
  if (typeof payload.scope !== 'string') return { ok: true, scope: null };
  const held = payload.scope.split(' ');
  const scopes = requested === null ? held : readScopes(requested);
  if (scopes.some((scope) => !held.includes(scope))) return refuse({ code: 'invalid_scope' });
  return { ok: true, scope: scopes.join(' ') };
}

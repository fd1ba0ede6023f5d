/** The views of a session and of its tokens that callers get. */
import type { Config } from '../config/config';
import { toIso } from '../iso-time';
import { findDevice } from '../risk/find-device';
import { parseSignals, toLocation } from '../risk/signals';
import { describeDevice } from '../risk/user-agent';
import type { Exchanged } from '../service/exchange-token';
import type { HandOff } from '../service/hand-off';
import type { Introspection } from '../service/inspect-token';
import type { Tokens } from '../service/issue-tokens';
import { parseActor } from '../sessions/actor';
import { parseGranted } from '../sessions/granted';
import { parseJson } from '../sessions/parse-json';
import { idleExpiresAt, lastUsedAt, type Session } from '../sessions/session';

/** A session as its owner may see it: never the refresh token or its hash. */
export function toSessionView(session: Session, config: Config, currentId: string | null = null) {
  const last = parseSignals(session.lastSignals);
  return {
    id: session.id,
    user_id: session.userId,
    client_id: session.clientId,
    user_agent: session.userAgent,
    device: describeDevice(findDevice(session)),
    label: session.label,
    ip_address: session.ipAddress,
    last_ip_address: last?.address ?? session.ipAddress,
    location: last && toLocation(last),
    created_at: toIso(session.createdAt),
    expires_at: toIso(session.expiresAt),
    idle_expires_at: toIso(idleExpiresAt(session, config.sessions)),
    last_used_at: toIso(lastUsedAt(session)),
    auth_time: toIso(session.authTime),
    amr: parseJson<string[]>(session.amr),
    acr: session.acr,
    revoked_at: toIso(session.revokedAt),
    revoked_reason: session.revokedReason,
    act: parseActor(session.act),
    ...(currentId !== null && { current: session.id === currentId }),
  };
}

/** A session as a backend may see it. */
export function toManagedView(session: Session, config: Config) {
  return {
    ...toSessionView(session, config),
    metadata: parseJson<object>(session.metadata),
  };
}

/** Names the homes whose rows a list lacks, so that nobody takes it for complete. */
export function warnOf(unavailable: readonly string[]): { unanswered_homes?: string[] } {
  return unavailable.length === 0 ? {} : { unanswered_homes: [...unavailable] };
}

/** An access token as RFC 6749 §5.1 has it. */
export function toAccessView(tokens: Pick<Tokens, 'accessToken' | 'expiresIn' | 'scope'>) {
  return {
    access_token: tokens.accessToken,
    token_type: 'Bearer' as const,
    expires_in: tokens.expiresIn,
    ...toScopeView(tokens),
  };
}

/** An access token with its refresh token, and with the times at which the session ends. */
export function toTokenView(tokens: Tokens) {
  return {
    ...toAccessView(tokens),
    refresh_token: tokens.refreshToken,
    ...toLifetimeView(tokens),
    refresh_at: toIso(tokens.refreshAt),
  };
}

/** The granted scope (RFC 6749 §5.1); nothing where the session has no scopes. */
function toScopeView({ scope }: Pick<Tokens, 'scope'>): { scope?: string } {
  return scope === null ? {} : { scope };
}

/** When a session ends unless it is used. */
export function toLifetimeView(tokens: Tokens) {
  return {
    refresh_token_expires_in: tokens.refreshTokenExpiresIn,
    session_expires_at: toIso(tokens.sessionExpiresAt),
    idle_expires_at: toIso(tokens.idleExpiresAt),
  };
}

/** The view of a session that a backend started or stepped up. */
export function toStartView(session: Session, tokens: Tokens, config: Config) {
  return {
    session: toManagedView(session, config),
    ...toAccessView(tokens),
    refresh_token: tokens.refreshToken,
    refresh_at: toIso(tokens.refreshAt),
  };
}

/** RFC 8693 §2.2.1. */
export function toExchangedView(exchanged: Exchanged) {
  return { ...toAccessView(exchanged), issued_token_type: ACCESS_TOKEN_TYPE };
}

/** RFC 8693 §3. */
export const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token' as const;

/** The view of a session that is handed to a browser. */
export function toHandedOffView(
  session: Session,
  { startUrl, expiresIn }: HandOff,
  config: Config,
) {
  return {
    session: toManagedView(session, config),
    browser: { start_url: startUrl, expires_in: expiresIn },
  };
}

type IntrospectionView = { active: false } | { active: true; [claim: string]: unknown };

/** RFC 7662 §2.2. */
export function toIntrospectionView(
  introspection: Introspection,
  issuer: string,
): IntrospectionView {
  if (introspection === null) return { active: false };
  if (introspection.kind === 'access_token')
    return { ...introspection.claims, active: true, token_type: 'Bearer' };
  const { session, externalSubject, expiresAt } = introspection;
  return {
    active: true,
    token_type: 'refresh_token',
    iss: issuer,
    sub: externalSubject ?? session.userId ?? session.id,
    ...(externalSubject !== null && { uid: session.userId }),
    client_id: session.clientId,
    sid: session.id,
    ...(session.scopes !== null && { scope: parseGranted(session.scopes)?.join(' ') }),
    iat: session.createdAt.getTime() / 1000,
    ...(session.act !== null && { act: { sub: parseActor(session.act)?.sub } }),
    ...(expiresAt !== null && { exp: expiresAt.getTime() / 1000 }),
  };
}

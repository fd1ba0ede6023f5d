/** What the API shows of a session and of its tokens. */
import type { Config } from '../config/config';
import type { Home } from '../db/d1';
import { parseSignals, type Signals } from '../risk/signals';
import { describeDevice, parseUserAgent } from '../risk/user-agent';
import { idleExpiresAt, lastUsedAt, type Session } from '../sessions/session';
import type { AccessTokenSubject } from '../tokens/access-token';
import { issueAccessToken } from '../tokens/access-token';
import { issueRefreshToken } from '../tokens/refresh-token';
import { findSigningKey } from '../tokens/signing-keys';
import type { Service } from './service';

/** A session as its owner, or a backend, may see it: never the refresh token or its hash. */
export function toSessionView(session: Session, config: Config, currentId: string | null = null) {
  const last = parseSignals(session.lastSignals);
  return {
    id: session.id,
    user_id: session.userId,
    client_id: session.clientId,
    user_agent: session.userAgent,
    device: describeDevice(
      last?.browser || last?.platform ? last : parseUserAgent(session.userAgent),
    ),
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
    ...(currentId !== null && { current: session.id === currentId }),
  };
}

/** Where a request came from, as far as known. */
export function toLocation({
  country,
  region,
  city,
}: Pick<Signals, 'country' | 'region' | 'city'>) {
  return country === null && city === null ? null : { country, region, city };
}

/**
 * The tokens of a session: a fresh access token, and the refresh token of this secret. RFC 6749
 * §5.1.
 */
export async function issueTokens(service: Service, home: Home, session: Session, secret: string) {
  const { config } = service;
  const now = service.now();
  const [keySet, keyring] = await Promise.all([service.keySet(home), service.keyring()]);
  const key = findSigningKey(keySet, now);
  if (key === null) throw new Error('no signing key');
  const idleEnd = idleExpiresAt(session, config.sessions);
  const ends = [session.expiresAt, idleEnd]
    .filter((end) => end !== null)
    .map((end) => end.getTime());
  const sessionEnd = ends.length === 0 ? null : Math.min(...ends);
  // No access token outlives its session.
  const expiresAt = Math.min(
    toSecond(now) + config.accessTokenTtlSeconds * 1000,
    sessionEnd ?? Number.POSITIVE_INFINITY,
  );
  const [access, refresh] = await Promise.all([
    issueAccessToken(key, config, toSubject(session, home), {
      now,
      expiresAt: new Date(expiresAt),
    }),
    issueRefreshToken(keyring, {
      sessionId: session.id,
      home: home.name,
      secret,
      expiresAt: session.expiresAt,
    }),
  ]);
  // Between 75 and 90 % of the token's life, so that clients which started together do not refresh
  // together.
  const refreshAt = now + (expiresAt - now) * (0.75 + Math.random() * 0.15);
  return {
    access_token: access,
    token_type: 'Bearer',
    expires_in: Math.ceil((expiresAt - toSecond(now)) / 1000),
    refresh_token: refresh,
    refresh_token_expires_in:
      sessionEnd === null ? null : Math.ceil((sessionEnd - toSecond(now)) / 1000),
    session_expires_at: toIso(session.expiresAt),
    idle_expires_at: toIso(idleEnd),
    refresh_at: toIso(new Date(refreshAt)),
  };
}

function toSubject(session: Session, home: Home): AccessTokenSubject {
  return {
    sessionId: session.id,
    home: home.name,
    userId: session.userId,
    clientId: session.clientId ?? '',
    authTime: session.authTime,
    amr: parseJson<string[]>(session.amr),
    acr: session.acr,
    claims: parseJson<Record<string, unknown>>(session.claims) ?? {},
  };
}

const toSecond = (milliseconds: number) => Math.floor(milliseconds / 1000) * 1000;

/**
 * ISO 8601 UTC, whole seconds. A row that was written by hand may hold what is no date; it must not
 * stop a list.
 */
function toIso(date: Date | null): string | null {
  if (date === null || Number.isNaN(date.getTime())) return null;
  return date.toISOString().replace(/\.\d{3}Z$/, 'Z');
}

function parseJson<T>(text: string | null): T | null {
  if (text === null) return null;
  try {
    return JSON.parse(text) as T;
  } catch {
    return null;
  }
}

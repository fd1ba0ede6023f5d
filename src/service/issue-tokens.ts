/**
 * The tokens of a session: a fresh access token, and the refresh token of a secret. This is the
 * only place that makes them. It needs a signer, which a caller gets before the write that starts
 * or moves on a session, so that no session is left whose tokens cannot be given.
 */
import type { Config } from '../config/config';
import { policyOf } from '../config/session-policy';
import type { Home } from '../db/d1';
import { parseActor } from '../sessions/actor';
import { NOTHING_REQUESTED, type RequestedGrant } from '../sessions/granted';
import { parseJson } from '../sessions/parse-json';
import { endsAt, idleExpiresAt, type Session } from '../sessions/session';
import { type AccessTokenSubject, issueAccessToken, toClaims } from '../tokens/access-token';
import { issueRefreshToken } from '../tokens/refresh-token';
import { subjectOf } from './external-subject';
import type { Service, Signer } from './service';
import { toTokenGrant } from './token-grant';

/** RFC 6749 §5.1, and when the session ends unless it is used. */
export interface Tokens {
  accessToken: string;
  /**
   * The claims about the subject, for an app to show: the token is opaque to the app (RFC 9068 §6).
   */
  claims: ReturnType<typeof toClaims>;
  /** The scopes, separated by spaces; null: the session has no scopes. */
  scope: string | null;
  /** The life of the access token, in seconds. */
  expiresIn: number;
  refreshToken: string;
  /** Seconds until the session ends, by time or of inactivity; null: never. */
  refreshTokenExpiresIn: number | null;
  /** The absolute end; null: none. */
  sessionExpiresAt: Date | null;
  /** The end of a session that is not used; null: none. */
  idleExpiresAt: Date | null;
  /** Whether a browser keeps them when it is closed. */
  isPersistent: boolean;
  /** When a client should refresh, drawn anew for each answer. */
  refreshAt: Date;
}

/** Makes the tokens of a session in `home`; `secret` is that of the refresh token. */
export async function issueTokens(
  { config, now: clock }: Service,
  { key, keyring, since }: Signer,
  { home, session, secret }: { home: Home; session: Session; secret: string },
  requested: RequestedGrant = NOTHING_REQUESTED,
): Promise<Tokens> {
  const now = clock();
  const policy = policyOf(config.sessions, session.clientId);
  const sessionEnd = endsAt(session, config.sessions)?.getTime() ?? null;
  // No access token outlives its session.
  const expiresAt = Math.min(
    toSecond(now) + policy.accessTokenTtlSeconds * 1000,
    sessionEnd ?? Number.POSITIVE_INFINITY,
  );
  const { audience, scope } = toTokenGrant(config, session, requested);
  const subject = { ...toSubject(config, session, home), scope };
  const [accessToken, refreshToken] = await Promise.all([
    issueAccessToken(key, { issuer: config.issuer, audience }, subject, {
      // Where tokens went stale in this second, the new one bears the next second, by which it is
      // told from those.
      now: Math.max(since, session.tokensNotBefore?.getTime() ?? 0),
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
    accessToken,
    claims: toClaims(subject),
    scope,
    expiresIn: Math.ceil((expiresAt - toSecond(now)) / 1000),
    refreshToken,
    refreshTokenExpiresIn:
      sessionEnd === null ? null : Math.ceil((sessionEnd - toSecond(now)) / 1000),
    sessionExpiresAt: session.expiresAt,
    idleExpiresAt: idleExpiresAt(session, config.sessions),
    isPersistent: policy.isPersistent && session.persistent !== false,
    refreshAt: new Date(refreshAt),
  };
}

export function toSubject(
  config: Config,
  session: Session,
  home: Home,
): Omit<AccessTokenSubject, 'scope'> {
  return {
    sessionId: session.id,
    home: home.name,
    userId: session.userId,
    externalSubject: subjectOf(config, session),
    clientId: session.clientId ?? '',
    authTime: session.authTime,
    amr: parseJson<string[]>(session.amr),
    acr: session.acr,
    act: parseActor(session.act),
    claims: parseJson<Record<string, unknown>>(session.claims) ?? {},
  };
}

const toSecond = (milliseconds: number) => Math.floor(milliseconds / 1000) * 1000;

/**
 * The audiences of an access token (RFC 8707) and its scopes (RFC 6749 §3.3). A client may have
 * tokens for some of the team's APIs, a session for some of its client's, a token for some of its
 * session's. Where the account API has an audience of its own, with which a person's sessions are
 * seen and ended, a token has that audience only if it was requested, so that no API can do so with
 * the tokens that it is sent.
 */
import { SCOPE_TOKEN } from '../config/client-grants';
import type { Config } from '../config/config';
import {
  NOTHING_REQUESTED,
  parseGranted,
  type RequestedGrant,
  whyNotGranted,
} from '../sessions/granted';
import type { Session } from '../sessions/session';
import { type Result, refuse } from './refusal';

/** What the caller asks of a token, as it was sent: the parameters of OAuth. */
export interface GrantParameters {
  /** The audiences of the token (RFC 8707 §2); null: none was named. */
  resource: readonly string[] | null;
  /** Separated by spaces (RFC 6749 §3.3); null: none was named. */
  scope: string | null;
}

type Grantee = Pick<Session, 'clientId' | 'audiences' | 'scopes'>;

/** Refuses what no session of the client can have. Asks no database. */
export function parseRequestedGrant(
  { clients, audiences, accountAudience }: Config,
  clientId: string,
  { resource, scope }: GrantParameters,
): Result<{ requested: RequestedGrant }> {
  const client = clients.get(clientId);
  const known = client?.audiences ?? [...audiences, accountAudience];
  if (resource?.some((audience) => !known.includes(audience)))
    return refuse({ code: 'invalid_target' });
  // Many libraries ask for the scope of the sign-in again at each refresh. For a client without
  // scopes, the parameter is ignored.
  const scopes = client?.scopes && scope !== null ? readScopes(scope) : null;
  if (scopes?.some((name) => !SCOPE_TOKEN.test(name))) return refuse({ code: 'invalid_scope' });
  return { ok: true, requested: { audiences: resource && [...new Set(resource)], scopes } };
}

/** The grant of a new session of a client, as its row has it. */
export function toSessionGrant(
  config: Config,
  clientId: string,
  grantParameters: GrantParameters,
): Result<{ granted: { audiences: readonly string[] | null; scopes: readonly string[] | null } }> {
  const read = parseRequestedGrant(config, clientId, grantParameters);
  if (!read.ok) return read;
  const { audiences, scopes } = read.requested;
  const known = config.clients.get(clientId)?.scopes ?? null;
  if (scopes?.some((name) => known?.includes(name) !== true))
    return refuse({ code: 'invalid_scope' });
  return { ok: true, granted: { audiences, scopes: scopes ?? known } };
}

/** Why a session has no such token to give; null: it has. */
export function whyNoToken(session: Grantee, requested: RequestedGrant) {
  const code = whyNotGranted(session, requested);
  return code === null ? null : refuse({ code });
}

/**
 * The audience and scope of a token that a session gives. An audience or scope that its client may
 * not have any more is left out: where no audience is left, the token is for nobody, and nobody
 * accepts it.
 */
export function toTokenGrant(
  config: Config,
  { clientId, ...session }: Grantee,
  requested: RequestedGrant = NOTHING_REQUESTED,
): { audience: string | string[]; scope: string | null } {
  const { audiences, accountAudience } = config;
  const client = config.clients.get(clientId ?? '');
  const known = client?.audiences ?? [...audiences, accountAudience];
  const ofApis = known.filter((audience) => audiences.includes(audience));
  const byDefault = ofApis.length > 0 ? ofApis : known;
  const granted = requested.audiences ?? parseGranted(session.audiences) ?? byDefault;
  const [first, ...others] = granted.filter((audience) => known.includes(audience));
  const held = parseGranted(session.scopes)?.filter(
    (name) => client?.scopes?.includes(name) && (requested.scopes?.includes(name) ?? true),
  );
  return {
    audience: first === undefined ? [] : others.length === 0 ? first : [first, ...others],
    scope: held === undefined ? null : held.join(' '),
  };
}

/** Each once, in the order in which they were asked for. */
export function readScopes(scope: string): string[] {
  return [...new Set(scope.split(' ').filter((name) => name !== ''))];
}

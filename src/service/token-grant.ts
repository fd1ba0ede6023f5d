/**
 * Whom an access token is for (RFC 8707), and what it allows (RFC 6749 §3.3). A client may have
 * tokens for some of the team's APIs, a session for some of its client's, a token for some of its
 * session's. Where the account API has an audience of its own, with which a person's sessions are
 * seen and ended, a token is for that only if it was asked to be: so no API can do that with the
 * tokens that it is sent.
 */
import { SCOPE_TOKEN } from '../config/client-grants';
import type { Config } from '../config/config';
import { type Ask, NOTHING_ASKED, parseGranted, whyNotGranted } from '../sessions/granted';
import type { Session } from '../sessions/session';
import { type Result, refuse } from './refusal';

/** What a caller asks for, as it says it. */
export interface Asked {
  /** Whom the token is to be for (RFC 8707 §2); null: nobody was named. */
  resource: readonly string[] | null;
  /** Separated by spaces (RFC 6749 §3.3); null: none was named. */
  scope: string | null;
}

type Grantee = Pick<Session, 'clientId' | 'audiences' | 'scopes'>;

/** What any session of a client may ask for. Asks no database. */
export function toAsk(
  { clients, audiences, accountAudience }: Config,
  clientId: string,
  { resource, scope }: Asked,
): Result<{ ask: Ask }> {
  const client = clients.get(clientId);
  const known = client?.audiences ?? [...audiences, accountAudience];
  if (resource?.some((audience) => !known.includes(audience)))
    return refuse({ code: 'invalid_target' });
  // Many libraries ask for the scope of the sign-in again at each refresh. Where there are none,
  // what is asked for is ignored.
  const scopes = client?.scopes && scope !== null ? readScopes(scope) : null;
  if (scopes?.some((name) => !SCOPE_TOKEN.test(name))) return refuse({ code: 'invalid_scope' });
  return { ok: true, ask: { audiences: resource && [...new Set(resource)], scopes } };
}

/** What a new session of a client is granted, as its row has it. */
export function toSessionGrant(
  config: Config,
  clientId: string,
  asked: Asked,
): Result<{ granted: { audiences: readonly string[] | null; scopes: readonly string[] | null } }> {
  const read = toAsk(config, clientId, asked);
  if (!read.ok) return read;
  const { audiences, scopes } = read.ask;
  const known = config.clients.get(clientId)?.scopes ?? null;
  if (scopes?.some((name) => known?.includes(name) !== true))
    return refuse({ code: 'invalid_scope' });
  return { ok: true, granted: { audiences, scopes: scopes ?? known } };
}

/** Why a session has no such token to give; null: it has. */
export function whyNoToken(session: Grantee, ask: Ask) {
  const code = whyNotGranted(session, ask);
  return code === null ? null : refuse({ code });
}

/**
 * What a token says that a session may give. What its client may not have any more is left out:
 * where no audience is left, the token is for nobody, and nobody accepts it.
 */
export function toTokenGrant(
  config: Config,
  { clientId, ...session }: Grantee,
  ask: Ask = NOTHING_ASKED,
): { audience: string | string[]; scope: string | null } {
  const { audiences, accountAudience } = config;
  const client = config.clients.get(clientId ?? '');
  const known = client?.audiences ?? [...audiences, accountAudience];
  const ofApis = known.filter((audience) => audiences.includes(audience));
  const unasked = ofApis.length > 0 ? ofApis : known;
  const granted = ask.audiences ?? parseGranted(session.audiences) ?? unasked;
  const [first, ...others] = granted.filter((audience) => known.includes(audience));
  const held = parseGranted(session.scopes)?.filter(
    (name) => client?.scopes?.includes(name) && (ask.scopes?.includes(name) ?? true),
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

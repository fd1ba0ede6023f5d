/** Each call of RPC beside the request over HTTP that asks for the same. */
import type { SessionsCalls } from '../../src/client/rpc';

/** Whom, and what, the calls are about. */
export interface About {
  user: string;
  session: string;
  access: string;
  refresh: string;
}

export interface Sent {
  method?: string;
  path: string;
  json?: object;
  form?: Record<string, string>;
  /** A person's access token, where no client asks. */
  bearer?: string;
  cookie?: string;
}

export interface Pair {
  input: object;
  request: Sent;
  /** How the request carries a member that nobody knows; null: it has no place, or no meaning. */
  withUnknown?: (request: Sent) => Sent;
}

const BROWSER = { return_url: 'https://app.example/' };
export const UNKNOWN = { unknown: 'x' };
const inBody = ({ json, ...request }: Sent): Sent => ({
  ...request,
  json: { ...json, ...UNKNOWN },
});
const inQuery = ({ path, ...request }: Sent): Sent => ({
  ...request,
  path: `${path}${path.includes('?') ? '&' : '?'}unknown=x`,
});

/** The input as the body, or as the query. */
const posted = (path: string, input: object): Pair => ({
  input,
  request: { method: 'POST', path, json: input },
  withUnknown: inBody,
});
const asked = (path: string, input: Record<string, string> = {}): Pair => ({
  input,
  request: { path: `${path}?${new URLSearchParams(input)}` },
  withUnknown: inQuery,
});
/** What a form has beyond what is known is ignored (RFC 6749 §3.2). */
const formed = (path: string, input: object, more: object = {}): Pair => ({
  input,
  request: { method: 'POST', path, form: { ...more, ...input } as Record<string, string> },
});
const granted = (grant_type: string, input: object, more: object = {}) =>
  formed('/oauth/token', input, { grant_type, ...more });

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/** All calls but `listSuspicious`, which is by RPC alone. */
export type Name = Exclude<keyof SessionsCalls, 'listSuspicious'>;

export function pairsFor({ user, session, access, refresh }: About): { [N in Name]: Pair } {
  const ofUser = (method: string, path: string, json?: object): Pair => ({
    input: { user_id: user, ...json },
    request: { method, path: `/v1/users/${user}${path}`, ...(json && { json }) },
    withUnknown: json ? inBody : inQuery,
  });
  const ofSession = (method: string, path: string, json?: object): Pair => ({
    input: { session_id: session, ...json },
    request: { method, path: `/v1/sessions/${session}${path}`, ...(json && { json }) },
    ...(json && { withUnknown: inBody }),
  });
  const own = (method: string, path: string, more: Partial<Pair> = {}, json?: object): Pair => ({
    input: { access_token: access, ...json },
    request: { method, path, bearer: access, ...(json && { json }) },
    ...more,
  });
  return {
    create: posted('/v1/sessions', { user_id: user, guest_session_id: session }),
    handOff: posted('/v1/sessions', { user_id: user, client_id: 'nobody', browser: BROWSER }),
    authenticate: ofSession('POST', '/authentication', { refresh_token: refresh }),
    authenticateInBrowser: ofSession('POST', '/authentication', { browser: BROWSER }),
    refresh: granted('refresh_token', { refresh_token: refresh }),
    signIn: granted(JWT_BEARER, { assertion: 'a.b.c' }),
    introspect: formed('/oauth/introspect', { token: refresh }),
    revoke: formed('/oauth/revoke', { token: 'a.b.c' }),
    exchange: granted(
      EXCHANGE,
      { subject_token: access, resource: 'urn:nobody' },
      { subject_token_type: ACCESS_TOKEN },
    ),
    exchangeCookie: {
      input: { cookie: '__Host-session=x' },
      request: { method: 'POST', path: '/browser/token', json: {}, cookie: '__Host-session=x' },
      withUnknown: inBody,
    },
    importSessions: posted('/v1/import/sessions', {
      sessions: [{ token_sha256: 'x', user_id: user }],
    }),
    handOffImported: posted('/v1/import/hand-off', { token: 'x', browser: BROWSER }),
    findUser: asked('/v1/users', { issuer: 'https://id.example', subject: 'ada' }),
    list: ofUser('GET', '/sessions'),
    listEvents: ofUser('GET', '/events'),
    revokeAll: ofUser('DELETE', '/sessions'),
    updateAll: ofUser('PATCH', '/sessions', { metadata: { plan: 'pro' } }),
    getSession: ofSession('GET', ''),
    updateSession: ofSession('PATCH', '', { label: 'x' }),
    revokeSession: { ...ofSession('DELETE', ''), withUnknown: inQuery },
    erase: ofUser('DELETE', ''),
    export: ofUser('GET', '/export'),
    listOwn: own('GET', '/v1/sessions', { withUnknown: inQuery }),
    current: own('GET', '/v1/sessions/current'),
    listOwnEvents: own('GET', '/v1/events', { withUnknown: inQuery }),
    updateOwn: own('PATCH', '/v1/sessions/current', { withUnknown: inBody }, { label: 'x' }),
    revokeOwn: own('DELETE', '/v1/sessions/current'),
    revokeOthers: own('POST', '/v1/sessions/revoke-others'),
    listHomes: { input: {}, request: { path: '/v1/homes' } },
    drainHome: {
      input: { home: 'DB_NONE' },
      request: { method: 'POST', path: '/v1/homes/DB_NONE/drain', json: {} },
      withUnknown: inBody,
    },
    moveUser: ofUser('POST', '/move', { home: 'DB_NONE' }),
    setNotBefore: posted('/v1/not-before', { home: 'DB_NONE' }),
    listDeliveries: asked('/v1/webhook-deliveries', { home: 'DB_NONE' }),
    replayDeliveries: posted('/v1/webhook-deliveries/replay', { endpoint: 'none' }),
    listAuditEvents: asked('/v1/audit-events', { cursor: 'none' }),
    stats: asked('/v1/stats'),
    listSigningKeys: { input: {}, request: { path: '/v1/signing-keys' } },
    revokeSigningKeys: posted('/v1/signing-keys/revoke', { kid: 'none' }),
  };
}

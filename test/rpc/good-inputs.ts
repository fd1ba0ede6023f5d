/** An input for every call that its door takes. */
import type { SessionsCalls } from '../../src/client/rpc';
import type { Bound } from './door';

/** Every call, with an input that a client which may do everything would not be refused for. */
export const goodInputs = (
  user_id: string,
): { [Name in keyof SessionsCalls]: Parameters<SessionsCalls[Name]>[0] } => {
  const token = 'a.b.c';
  const access_token = token;
  return {
    create: { user_id },
    handOff: { user_id, browser: { return_url: 'https://app.example/' } },
    authenticate: { session_id: user_id, refresh_token: token },
    authenticateInBrowser: { session_id: user_id, browser: { return_url: 'https://app.example/' } },
    refresh: { refresh_token: token },
    signIn: { assertion: token },
    introspect: { token },
    exchange: { subject_token: token, resource: 'urn:example:api' },
    exchangeCookie: { cookie: '' },
    revoke: { token },
    importSessions: { sessions: [{ token_sha256: 'x'.repeat(43), user_id }] },
    handOffImported: { token, browser: { return_url: 'https://app.example/' } },
    findUser: { issuer: 'https://id.example', subject: 'ada' },
    list: { user_id },
    listEvents: { user_id },
    revokeAll: { user_id },
    updateAll: { user_id, apply: 'now' },
    getSession: { session_id: user_id },
    updateSession: { session_id: user_id, label: 'x' },
    revokeSession: { session_id: user_id },
    erase: { user_id },
    export: { user_id },
    listOwn: { access_token },
    current: { access_token },
    listOwnEvents: { access_token },
    updateOwn: { access_token, label: 'x' },
    revokeOwn: { access_token },
    revokeOthers: { access_token },
    listHomes: {},
    drainHome: { home: 'DB' },
    moveUser: { user_id, home: 'DB' },
    setNotBefore: { user_id },
    listDeliveries: {},
    replayDeliveries: { all: true },
    listAuditEvents: {},
    listSigningKeys: {},
    stats: {},
    listSuspicious: {},
    revokeSigningKeys: { created_before: 1 },
  };
};
export const everyCall = Object.keys(goodInputs('')) as (keyof SessionsCalls)[];

/** Calls it with its good input. */
export const callAny = (bound: Bound, name: keyof SessionsCalls, userId: string) =>
  (bound[name] as (input: unknown) => ReturnType<Bound['listHomes']>)(goodInputs(userId)[name]);

/** Every call by its name, for the doors that offer them as functions. */
import type { Answer, CallOptions, CreateOptions, SessionsCalls } from '../client/rpc';
import { answer, type Door } from './answer';
import type { Call } from './call';
import * as operator from './operator-calls';
import * as own from './own-calls';
import * as sessions from './session-calls';
import * as starts from './start-calls';
import { stats } from './stats-call';
import * as tokens from './token-calls';
import * as users from './user-calls';

export function callsOf(door: Door): SessionsCalls {
  /** A call as a function of what is asked, and of what goes with it. */
  const by =
    <Value>(name: string, call: Call<Value>) =>
    (input?: unknown, options?: CallOptions): Promise<Answer<Value>> =>
      answer(door, { name, call, input, options });
  return {
    create: (input, options) => by('create', withKey(starts.create, options))(input, options),
    handOff: (input, options) => by('handOff', withKey(starts.handOff, options))(input, options),
    authenticate: by('authenticate', sessions.authenticate),
    authenticateInBrowser: by('authenticateInBrowser', sessions.authenticateInBrowser),
    refresh: by('refresh', tokens.refresh),
    signIn: (input, options) => {
      const signIn = (given: starts.Idempotency) => tokens.signIn(given?.key ?? null);
      return by('signIn', withKey(signIn, options))(input, options);
    },
    introspect: by('introspect', tokens.introspect),
    exchangeCookie: by('exchangeCookie', tokens.exchangeCookie),
    exchange: by('exchange', tokens.exchange),
    revoke: by('revoke', tokens.revoke),
    findUser: by('findUser', users.find),
    list: by('list', users.list),
    listEvents: by('listEvents', users.listEvents),
    revokeAll: by('revokeAll', users.revokeAll),
    updateAll: by('updateAll', users.updateAll),
    getSession: by('getSession', sessions.getSession),
    updateSession: by('updateSession', sessions.updateSession),
    revokeSession: by('revokeSession', sessions.revokeSession),
    erase: by('erase', users.erase),
    export: by('export', users.exportAll),
    listOwn: by('listOwn', own.listOwn.byToken),
    current: by('current', own.current.byToken),
    listOwnEvents: by('listOwnEvents', own.listOwnEvents.byToken),
    updateOwn: by('updateOwn', own.updateOwn.byToken),
    revokeOwn: by('revokeOwn', own.revokeOwn.byToken),
    revokeOthers: by('revokeOthers', own.revokeOthers.byToken),
    listHomes: by('listHomes', operator.listHomes),
    drainHome: by('drainHome', operator.drainHome),
    moveUser: by('moveUser', operator.moveUser),
    setNotBefore: by('setNotBefore', operator.setNotBefore),
    listDeliveries: by('listDeliveries', operator.listDeliveries),
    replayDeliveries: by('replayDeliveries', operator.replayDeliveries),
    listAuditEvents: by('listAuditEvents', operator.listAuditEvents),
    stats: by('stats', stats),
    listSigningKeys: by('listSigningKeys', operator.listSigningKeys),
    revokeSigningKeys: by('revokeSigningKeys', operator.revokeSigningKeys),
  };
}

/** A call that may be repeated with the same key, and then has to ask for the same. */
function withKey<Value>(
  start: (idempotency: starts.Idempotency) => Call<Value>,
  options: CreateOptions | undefined,
): Call<Value> {
  return async (caller, service, input) => {
    const parsed = starts.parseIdempotencyKey(options?.idempotency_key);
    if (!parsed.ok) return parsed;
    const { key } = parsed;
    const idempotency = key === null ? null : { key, request: JSON.stringify(inOrder(input)) };
    return start(idempotency)(caller, service, input);
  };
}

/** The same value with its members in one order: in what order they were set tells nothing. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, inOrder(member)]));
}

/** Every call by its name, for the doors that offer them as functions. */
import type { Answer, CreateOptions, SessionsCalls } from '../client/rpc';
import { answer, type Door } from './answer';
import type { Call } from './call';
import * as imports from './import-calls';
import * as operator from './operator-calls';
import * as own from './own-calls';
import * as sessions from './session-calls';
import * as starts from './start-calls';
import { stats } from './stats-call';
import { listSuspicious } from './suspicious-call';
import * as tokens from './token-calls';
import * as users from './user-calls';

type Name = keyof SessionsCalls;
type Value<N extends Name> = SessionsCalls[N] extends (...input: never[]) => Promise<infer Answered>
  ? Answered extends Answer<infer Given>
    ? Given
    : never
  : never;
type Repeatable = 'create' | 'handOff' | 'signIn';

/** The calls that may be repeated with the same key, and all others. */
const REPEATABLE: { [N in Repeatable]: (given: starts.Idempotency) => Call<Value<N>> } = {
  create: starts.create,
  handOff: starts.handOff,
  signIn: (given) => tokens.signIn(given?.key ?? null),
};
const OTHERS: { [N in Exclude<Name, Repeatable>]: Call<Value<N>> } = {
  authenticate: sessions.authenticate,
  authenticateInBrowser: sessions.authenticateInBrowser,
  refresh: tokens.refresh,
  introspect: tokens.introspect,
  exchangeCookie: tokens.exchangeCookie,
  exchange: tokens.exchange,
  revoke: tokens.revoke,
  importSessions: imports.importSessions,
  handOffImported: imports.handOffImported,
  findUser: users.find,
  list: users.list,
  listEvents: users.listEvents,
  revokeAll: users.revokeAll,
  updateAll: users.updateAll,
  getSession: sessions.getSession,
  updateSession: sessions.updateSession,
  revokeSession: sessions.revokeSession,
  erase: users.erase,
  export: users.exportAll,
  listOwn: own.listOwn.byToken,
  current: own.current.byToken,
  listOwnEvents: own.listOwnEvents.byToken,
  updateOwn: own.updateOwn.byToken,
  revokeOwn: own.revokeOwn.byToken,
  revokeOthers: own.revokeOthers.byToken,
  listHomes: operator.listHomes,
  drainHome: operator.drainHome,
  moveUser: operator.moveUser,
  setNotBefore: operator.setNotBefore,
  listDeliveries: operator.listDeliveries,
  replayDeliveries: operator.replayDeliveries,
  listAuditEvents: operator.listAuditEvents,
  stats,
  listSuspicious,
  listSigningKeys: operator.listSigningKeys,
  revokeSigningKeys: operator.revokeSigningKeys,
};

export const CALL_NAMES = Object.keys({ ...REPEATABLE, ...OTHERS }) as Name[];

export function callsOf(door: Door): SessionsCalls {
  const calls = CALL_NAMES.map((name) => [
    name,
    (input?: unknown, options?: CreateOptions) => {
      const call: Call<unknown> =
        name in REPEATABLE
          ? withKey(REPEATABLE[name as Repeatable], options)
          : OTHERS[name as keyof typeof OTHERS];
      return answer(door, { name, call, input, options });
    },
  ]);
  return Object.fromEntries(calls);
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

/** The value with its members sorted, so that two requests with the same members are equal. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, inOrder(member)]));
}

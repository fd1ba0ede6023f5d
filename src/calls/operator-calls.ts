/**
 * The calls of operators: homes, moves, a not-before, the webhooks' deliveries, the signing keys.
 */
import * as v from 'valibot';
import { KEY_CACHE_SECONDS } from '../config/signing-key-policy';
import { DEFAULT_HOME } from '../db/d1';
import { toIso } from '../iso-time';
import { toAuditView } from '../security-log/event-view';
import type { ClientCaller } from '../service/caller';
import * as deliveries from '../service/deliveries';
import { listAuditLog } from '../service/list-audit-events';
import * as homes from '../service/operate-homes';
import { invalid, type Result } from '../service/refusal';
import type { Service } from '../service/service';
import * as keys from '../service/withdraw-keys';
import { defineCall } from './call';
import { formatCursor, parseCursor, parseDrainCursor, parseSequence } from './cursors';
import { defineUserCall, toUserIdOf, whose } from './define-user-call';
import { paging, reason, seconds, uuid } from './fields';
import { warnOf } from './views';

/**
 * The users, and the guests, that one drain moves: each takes up to 18 statements, of which an
 * invocation has 1,000.
 */
const MAX_DRAINED = 25;

const nothing = v.strictObject({});
/** Said, so that a member which went missing on its way here does nothing to all others. */
const said = v.optional(v.literal(true, 'can only be true'));

export const listHomes = defineCall('operate', nothing, async (caller, service) => {
  const listed = await homes.listHomes(caller, service);
  if (!listed.ok) return listed;
  const value = {
    homes: listed.homes.map(({ config, answers, unfinishedMoves }) => ({
      home: config.name,
      regions: [...config.regions],
      jurisdiction: config.jurisdiction,
      new_users: config.newUsers,
      answers,
      unfinished_moves: unfinishedMoves,
    })),
  };
  return { ok: true, value };
});

/** To be called until `next_cursor` is null. */
export const drainHome = defineCall(
  'operate',
  v.strictObject({
    home: v.string(),
    limit: v.optional(
      v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_DRAINED)),
      MAX_DRAINED,
    ),
    cursor: paging.cursor,
    reason,
  }),
  async (caller, service, { home, limit, cursor, reason = null }) => {
    const parsed = parseDrainCursor(cursor);
    if (!parsed.ok) return parsed;
    const drained = await homes.drainHome(
      caller,
      service,
      { home, limit, after: parsed.after },
      reason,
    );
    if (!drained.ok) return drained;
    const { moved, next } = drained;
    const value = { moved, next_cursor: next && `${next.users}.${next.guests}` };
    return { ok: true, value, outcome: 'drained' };
  },
);

export const moveUser = defineUserCall(
  'operate',
  { home: v.string(), reason },
  async (caller, service, userId, { home, reason = null }) => {
    const result = await homes.moveUser(caller, service, { userId, home }, reason);
    if (!result.ok) return result;
    const { moved } = result;
    const value = { user_id: userId, home, moved };
    return { ok: true, value, outcome: moved ? 'moved' : 'unchanged' };
  },
);

const notBeforeSchema = v.strictObject({
  ...whose,
  home: v.optional(v.string()),
  everyone: said,
  not_before: v.optional(seconds),
  reason,
});

/** Ends what began before a time: of a user, of a home, or of everyone. */
export const setNotBefore = defineCall(
  'operate',
  notBeforeSchema,
  async (caller, service, input) => {
    const target = await toTarget(caller, service, input);
    if (!target.ok) return target;
    const { not_before: notBefore = null, reason = null } = input;
    const wanted = { target: target.target, notBefore };
    const ended = await homes.endSessionsBefore(caller, service, wanted, reason);
    if (!ended.ok) return ended;
    return { ok: true, value: { not_before: toIso(ended.notBefore) }, outcome: 'not_before_set' };
  },
);

async function toTarget(
  caller: ClientCaller,
  service: Service,
  { user_id: userId, user, home, everyone }: v.InferOutput<typeof notBeforeSchema>,
): Promise<Result<{ target: homes.NotBeforeTarget }>> {
  if ([userId, user, home, everyone].filter((target) => target !== undefined).length !== 1)
    return invalid('Name one of user_id, user, home, and everyone, which is true');
  if (home !== undefined) return { ok: true, target: { home } };
  if (everyone === true) return { ok: true, target: 'everyone' };
  const found = await toUserIdOf(caller, service, 'operate', { user_id: userId, user });
  return found.ok ? { ok: true, target: { userId: found.userId } } : found;
}

export const listDeliveries = defineCall(
  'operate',
  v.strictObject({
    ...paging,
    state: v.optional(
      v.picklist(['pending', 'refused', 'dead'], 'can be pending, refused or dead'),
    ),
    endpoint: v.optional(v.string()),
    home: v.optional(v.string(), DEFAULT_HOME),
  }),
  async (caller, service, { state, endpoint = null, home, limit, cursor }) => {
    const parsed = parseSequence(cursor);
    if (!parsed.ok) return parsed;
    const filter = { state, endpoint, eventId: null, home };
    const page = { after: parsed.position ?? 0, limit };
    const listed = await deliveries.listDeliveries(caller, service, filter, page);
    if (!listed.ok) return listed;
    const value = {
      deliveries: listed.deliveries.map((delivery) => ({
        event_id: delivery.eventId,
        event_type: delivery.eventType,
        endpoint: delivery.endpoint,
        state: delivery.state,
        attempts: delivery.attempts,
        next_attempt_at: delivery.state === 'dead' ? null : delivery.nextAttemptAt.toISOString(),
        last_error: delivery.lastError,
      })),
      next_cursor: listed.next === null ? null : String(listed.next),
    };
    return { ok: true, value };
  },
);

export const replayDeliveries = defineCall(
  'operate',
  v.strictObject({
    endpoint: v.optional(v.string()),
    event_id: v.optional(uuid),
    all: said,
    reason,
  }),
  async (caller, service, { endpoint = null, event_id: eventId = null, all, reason = null }) => {
    if ((endpoint === null && eventId === null) !== (all === true))
      return invalid('Name endpoint, event_id, or else all, which is true');
    const result = await deliveries.replayDeliveries(
      caller,
      service,
      { endpoint, eventId },
      reason,
    );
    return result.ok ? { ok: true, value: { replayed: result.replayed } } : result;
  },
);

export const listSigningKeys = defineCall('operate', nothing, async (caller, service) => {
  const listed = await keys.listSigningKeys(caller, service);
  if (!listed.ok) return listed;
  const value = {
    keys: listed.keys.map(({ kid, alg, state, createdAt, activatesAt }) => ({
      kid,
      alg,
      state,
      created_at: toIso(createdAt),
      activates_at: toIso(activatesAt),
    })),
  };
  return { ok: true, value };
});

/** Which keys are compromised has to be said: one, or all that were made before a time. */
export const revokeSigningKeys = defineCall(
  'operate',
  v.strictObject({
    kid: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(64))),
    created_before: v.optional(seconds),
    reason,
  }),
  async (caller, service, { kid, created_before: before, reason = null }) => {
    if ((kid === undefined) === (before === undefined))
      return invalid('Name a kid, or created_before for all keys');
    const which = kid === undefined ? { createdBefore: new Date(1000 * (before ?? 0)) } : { kid };
    const withdrawn = await keys.withdrawSigningKeys(caller, service, which, reason);
    if (!withdrawn.ok) return withdrawn;
    const { revoked, signing } = withdrawn;
    const value = {
      revoked,
      signing,
      /** The bounds: all isolates of this service, and resource servers that can ask it. */
      refused_here_within: KEY_CACHE_SECONDS,
      refused_by_verifiers_within: KEY_CACHE_SECONDS + service.config.signingKeys.jwksMaxAgeSeconds,
    };
    return { ok: true, value, outcome: revoked.length > 0 ? 'keys_revoked' : 'unchanged' };
  },
);

/** Lists the audit log. */
export const listAuditEvents = defineCall(
  'operate',
  v.strictObject(paging),
  async (caller, service, { limit, cursor }) => {
    const parsed = parseCursor(cursor);
    if (!parsed.ok) return parsed;
    const listed = await listAuditLog(caller, service, { limit, after: parsed.after });
    if (!listed.ok) return listed;
    const { page, unavailable } = listed;
    const value = {
      events: page.events.map(({ event, homes }) => ({ ...toAuditView(event), homes })),
      next_cursor: page.next && formatCursor(page.next),
      ...warnOf(unavailable),
    };
    return { ok: true, value };
  },
);

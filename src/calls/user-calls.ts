/**
 * The calls of a backend on a user: it sees and ends the sessions, erases and exports the person. A
 * call names the person by `user_id`, which is a user's id or the session id of a guest, as `sub`
 * of access tokens has it; or by `user`, an identity provider's name of them.
 */
import * as v from 'valibot';
import { toIso } from '../iso-time';
import { toEventView } from '../security-log/event-view';
import type { ClientCaller } from '../service/caller';
import { updateSessionsOf } from '../service/change-sessions';
import { erase as erasePerson, exportPerson } from '../service/person';
import type { Result } from '../service/refusal';
import type { Service } from '../service/service';
import { findUserByName } from '../service/user-by-issued-name';
import {
  endSessionsOf,
  listAllSessionsOf,
  listEventsOf,
  listSessionsOf,
} from '../service/user-sessions';
import type { SessionFilter } from '../sessions/filter';
import type { Session } from '../sessions/session';
import { defineCall } from './call';
import { change, toChangeInput } from './change-fields';
import {
  formatCursor,
  formatPerHome,
  parseCursor,
  parseExportCursor,
  parsePositions,
} from './cursors';
import { defineUserCall } from './define-user-call';
import { issuedName, paging, reason, seconds, uuid } from './fields';
import { toManagedView, warnOf } from './views';

/** A person by their name at an identity provider. */
export const find = defineCall('manage_users', issuedName, async (caller, service, name) => {
  const found = await findUserByName(caller, service, name);
  if (!found.ok) return found;
  const { id, issuer, subject, createdAt } = found.user;
  return {
    ok: true,
    value: { user: { id, issuer, subject, created_at: toIso(createdAt) } },
  };
});

export const list = defineUserCall(
  'manage_users',
  {
    ...paging,
    include: v.optional(v.literal('ended', 'can only be ended')),
    client_id: v.optional(v.string()),
    device: v.optional(v.pipe(v.string(), v.minLength(1, 'is empty'))),
    created_after: v.optional(seconds),
    created_before: v.optional(seconds),
    last_used_after: v.optional(seconds),
    last_used_before: v.optional(seconds),
  },
  async (caller, service, userId, { include, limit, cursor, ...wanted }) => {
    const filter = {
      clientId: wanted.client_id,
      device: wanted.device,
      createdAfter: wanted.created_after,
      createdBefore: wanted.created_before,
      lastUsedAfter: wanted.last_used_after,
      lastUsedBefore: wanted.last_used_before,
    };
    const listOf = include === 'ended' ? listAll : listLive;
    const listed = await listOf(caller, service, userId, { limit, cursor, filter });
    if (!listed.ok) return listed;
    const value = {
      sessions: listed.sessions.map((session) => toManagedView(session, service.config)),
      next_cursor: listed.next,
      ...warnOf(listed.unavailable),
    };
    return { ok: true, value };
  },
);

interface Paging {
  limit: number;
  cursor: string | null | undefined;
  filter: SessionFilter;
}
type Listed = Result<{ sessions: Session[]; next: string | null; unavailable: string[] }>;

async function listLive(
  caller: ClientCaller,
  service: Service,
  userId: string,
  { limit, cursor, filter }: Paging,
): Promise<Listed> {
  const parsed = parseCursor(cursor);
  if (!parsed.ok) return parsed;
  const listed = await listSessionsOf(caller, service, userId, {
    limit,
    after: parsed.after,
    filter,
  });
  if (!listed.ok) return listed;
  const { sessions, next } = listed.page;
  return { ...listed, sessions, next: next && formatCursor(next) };
}

/** Lists also sessions that are over, in the order of writing. */
async function listAll(
  caller: ClientCaller,
  service: Service,
  userId: string,
  { limit, cursor, filter }: Paging,
): Promise<Listed> {
  const parsed = parsePositions(cursor);
  if (!parsed.ok) return parsed;
  const query = { limit, before: parsed.before, filter };
  const listed = await listAllSessionsOf(caller, service, userId, query);
  if (!listed.ok) return listed;
  const { rows: sessions, next } = listed.page;
  return { ...listed, sessions, next: next && formatPerHome(next) };
}

export const listEvents = defineUserCall(
  'manage_users',
  paging,
  async (caller, service, userId, { limit, cursor }) => {
    const parsed = parsePositions(cursor);
    if (!parsed.ok) return parsed;
    const query = { limit, before: parsed.before };
    const listed = await listEventsOf(caller, service, userId, query);
    if (!listed.ok) return listed;
    const { rows, next } = listed.page;
    const value = {
      events: rows.map(toEventView),
      next_cursor: next && formatPerHome(next),
      ...warnOf(listed.unavailable),
    };
    return { ok: true, value };
  },
);

export const revokeAll = defineUserCall(
  'manage_users',
  { except: v.optional(uuid), reason },
  async (caller, service, userId, { except: spared = null, reason = null }) => {
    const ended = await endSessionsOf(caller, service, { userId, spared }, reason);
    return ended.ok ? { ok: true, value: { revoked: ended.revoked } } : ended;
  },
);

/** Makes one change of all of a user's live sessions. */
export const updateAll = defineUserCall(
  'manage_users',
  { ...change, reason },
  async (caller, service, userId, { reason = null, ...input }) => {
    const wanted = { userId, ...toChangeInput(input) };
    const updated = await updateSessionsOf(caller, service, wanted, reason);
    return updated.ok ? { ok: true, value: { updated: updated.updated } } : updated;
  },
);

export const erase = defineUserCall(
  'erase_users',
  { reason },
  async (caller, service, userId, { reason = null }) => {
    const erased = await erasePerson(caller, service, userId, reason);
    if (!erased.ok) return erased;
    const { wasThere } = erased;
    return { ok: true, value: { erased: wasThere }, outcome: wasThere ? 'erased' : 'unchanged' };
  },
);

/**
 * Exports one page, of one home. A page may be empty, and is the last when there is no
 * `next_cursor`.
 */
export const exportAll = defineUserCall(
  'manage_all',
  { ...paging, reason },
  async (caller, service, userId, { limit, cursor, reason = null }) => {
    const parsed = parseExportCursor(cursor);
    if (!parsed.ok) return parsed;
    const wanted = { subject: userId, position: parsed.position, limit };
    const exported = await exportPerson(caller, service, wanted, reason);
    if (!exported.ok) return exported;
    const { home, rows, next } = exported;
    const value = {
      records: rows.map((held) => ({ home, ...held })),
      next_cursor: next && [next.home, next.section, next.after].join('.'),
    };
    return { ok: true, value };
  },
);

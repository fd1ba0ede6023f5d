/**
 * What a backend does with a user: sees and ends the sessions, erases and exports the person.
 * `user_id` is a user's, or the session id of a guest, as `sub` of access tokens has it.
 */
import * as v from 'valibot';
import { toEventView } from '../security-log/event-view';
import type { ClientCaller } from '../service/caller';
import { updateSessionsOf } from '../service/change-sessions';
import { erase as erasePerson, exportPerson } from '../service/person';
import type { Result } from '../service/refusal';
import type { Service } from '../service/service';
import {
  endSessionsOf,
  listAllSessionsOf,
  listEventsOf,
  listSessionsOf,
} from '../service/user-sessions';
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
import { paging, reason, uuid } from './fields';
import { toManagedView, warnOf } from './views';

const actOnUser = v.strictObject({ user_id: uuid, reason });
const pageOfUser = v.strictObject({ user_id: uuid, ...paging });

export const list = defineCall(
  'manage_users',
  v.strictObject({
    ...pageOfUser.entries,
    include: v.optional(v.literal('ended', 'can only be ended')),
  }),
  async (caller, service, { user_id: userId, include, limit, cursor }) => {
    const listed =
      include === 'ended'
        ? await listAll(caller, service, userId, { limit, cursor })
        : await listLive(caller, service, userId, { limit, cursor });
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
}
type Listed = Result<{ sessions: Session[]; next: string | null; unavailable: string[] }>;

async function listLive(
  caller: ClientCaller,
  service: Service,
  userId: string,
  { limit, cursor }: Paging,
): Promise<Listed> {
  const parsed = parseCursor(cursor);
  if (!parsed.ok) return parsed;
  const listed = await listSessionsOf(caller, service, userId, { limit, after: parsed.after });
  if (!listed.ok) return listed;
  const { sessions, next } = listed.page;
  return { ...listed, sessions, next: next && formatCursor(next) };
}

/** Those that are over too, in the order of writing. */
async function listAll(
  caller: ClientCaller,
  service: Service,
  userId: string,
  { limit, cursor }: Paging,
): Promise<Listed> {
  const parsed = parsePositions(cursor);
  if (!parsed.ok) return parsed;
  const query = { limit, before: parsed.before };
  const listed = await listAllSessionsOf(caller, service, userId, query);
  if (!listed.ok) return listed;
  const { rows: sessions, next } = listed.page;
  return { ...listed, sessions, next: next && formatPerHome(next) };
}

export const listEvents = defineCall(
  'manage_users',
  pageOfUser,
  async (caller, service, { user_id: userId, limit, cursor }) => {
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

export const revokeAll = defineCall(
  'manage_users',
  v.strictObject({ ...actOnUser.entries, except: v.optional(uuid) }),
  async (caller, service, { user_id: userId, except: spared = null, reason = null }) => {
    const ended = await endSessionsOf(caller, service, { userId, spared }, reason);
    return ended.ok ? { ok: true, value: { revoked: ended.revoked } } : ended;
  },
);

/** The same change of all of a user's live sessions. */
export const updateAll = defineCall(
  'manage_users',
  v.strictObject({ ...actOnUser.entries, ...change }),
  async (caller, service, { user_id: userId, reason = null, ...input }) => {
    const updated = await updateSessionsOf(caller, service, userId, toChangeInput(input), reason);
    return updated.ok ? { ok: true, value: { updated: updated.updated } } : updated;
  },
);

export const erase = defineCall(
  'erase_users',
  actOnUser,
  async (caller, service, { user_id: userId, reason = null }) => {
    const erased = await erasePerson(caller, service, userId, reason);
    if (!erased.ok) return erased;
    const { wasThere } = erased;
    return { ok: true, value: { erased: wasThere }, outcome: wasThere ? 'erased' : 'unchanged' };
  },
);

/** One page, of one home. A page may be empty, and is the last when there is no `next_cursor`. */
export const exportAll = defineCall(
  'manage_all',
  v.strictObject({ ...pageOfUser.entries, reason }),
  async (caller, service, { user_id: userId, limit, cursor, reason = null }) => {
    const parsed = parseExportCursor(cursor);
    if (!parsed.ok) return parsed;
    const page = { position: parsed.position, limit };
    const exported = await exportPerson(caller, service, userId, page, reason);
    if (!exported.ok) return exported;
    const { home, rows, next } = exported;
    const value = {
      records: rows.map((held) => ({ home, ...held })),
      next_cursor: next && [next.home, next.section, next.after].join('.'),
    };
    return { ok: true, value };
  },
);

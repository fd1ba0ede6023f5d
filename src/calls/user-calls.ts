/**
 * What a backend does with a user: sees and ends the sessions, erases and exports the person.
 * `user_id` is a user's, or the session id of a guest, as `sub` of access tokens has it.
 */
import * as v from 'valibot';
import { toEventView } from '../security-log/event-view';
import { erase as erasePerson, exportPerson } from '../service/person';
import { endSessionsOf, listEventsOf, listSessionsOf } from '../service/user-sessions';
import { defineCall } from './call';
import {
  formatCursor,
  formatPerHome,
  parseCursor,
  parseEventCursor,
  parseExportCursor,
} from './cursors';
import { paging, reason, uuid } from './fields';
import { toSessionView, warnOf } from './views';

const actOnUser = v.strictObject({ user_id: uuid, reason });
const pageOfUser = v.strictObject({ user_id: uuid, ...paging });

export const list = defineCall(
  'manage_users',
  v.strictObject({
    ...pageOfUser.entries,
    include: v.optional(v.literal('ended', 'can only be ended')),
  }),
  async (caller, service, { user_id: userId, include, limit, cursor }) => {
    const parsed = parseCursor(cursor);
    if (!parsed.ok) return parsed;
    const query = { userId, includeEnded: include === 'ended' };
    const listed = await listSessionsOf(caller, service, query, { limit, after: parsed.after });
    if (!listed.ok) return listed;
    const { sessions, next } = listed.page;
    const value = {
      sessions: sessions.map((session) => toSessionView(session, service.config)),
      next_cursor: next && formatCursor(next),
      ...warnOf(listed.unavailable),
    };
    return { ok: true, value };
  },
);

export const listEvents = defineCall(
  'manage_users',
  pageOfUser,
  async (caller, service, { user_id: userId, limit, cursor }) => {
    const parsed = parseEventCursor(cursor);
    if (!parsed.ok) return parsed;
    const query = { limit, before: parsed.before };
    const listed = await listEventsOf(caller, service, userId, query);
    if (!listed.ok) return listed;
    const { events, next } = listed.page;
    const value = {
      events: events.map(toEventView),
      next_cursor: next && formatPerHome(next),
      ...warnOf(listed.unavailable),
    };
    return { ok: true, value };
  },
);

export const revokeAll = defineCall(
  'manage_users',
  actOnUser,
  async (caller, service, { user_id: userId, reason = null }) => {
    const ended = await endSessionsOf(caller, service, userId, reason);
    return ended.ok ? { ok: true, value: { revoked: ended.revoked } } : ended;
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

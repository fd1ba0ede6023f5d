/**
 * The calls of a person on their own sessions: over HTTP with their access token, by other doors
 * through a server that holds it. Then the token has to be of a client that the server acts for.
 */
import * as v from 'valibot';
import { toEventView } from '../security-log/event-view';
import type { UserCaller } from '../service/caller';
import { labelOwnSession } from '../service/change-sessions';
import { endCurrent, endOne, endOthers } from '../service/end-own-sessions';
import * as own from '../service/own-sessions';
import { refuse } from '../service/refusal';
import type { Service } from '../service/service';
import { verifyAccountToken } from '../service/verify-access-token';
import { type Called, defineCall } from './call';
import { formatCursor, parseCursor, parseSequence } from './cursors';
import { label, paging, uuid } from './fields';
import { parseInput } from './parse';
import { toSessionView } from './views';

/** A call with `access_token`, and the same for a caller whose token is verified already. */
function defineOwnCall<Entries extends v.ObjectEntries, Value extends object>(
  entries: Entries,
  run: (
    caller: UserCaller,
    service: Service,
    input: v.InferOutput<v.StrictObjectSchema<Entries, undefined>>,
  ) => Promise<Called<Value>>,
) {
  const schema = v.strictObject(entries);
  const byToken = defineCall(
    null,
    v.looseObject({ access_token: v.string() }),
    async (caller, service, { access_token: token, ...rest }): Promise<Called<Value>> => {
      const parsed = parseInput(schema, rest);
      if (!parsed.ok) return parsed;
      const verdict = await verifyAccountToken(caller, service, token);
      if (!verdict.ok || !caller.client.forClients.has(verdict.token.clientId))
        return refuse({ code: 'invalid_token', detail: 'The access token is not valid' });
      return run({ ...caller, accessToken: verdict.token }, service, parsed.input);
    },
  );
  const asPerson = async (
    caller: UserCaller,
    service: Service,
    input: unknown,
  ): Promise<Called<Value>> => {
    const parsed = parseInput(schema, input);
    return parsed.ok ? run(caller, service, parsed.input) : parsed;
  };
  return { byToken, asPerson };
}

export const listOwn = defineOwnCall(paging, async (caller, service, { limit, cursor }) => {
  const parsed = parseCursor(cursor);
  if (!parsed.ok) return parsed;
  const listed = await own.listSessions(caller, service, { limit, after: parsed.after });
  if (!listed.ok) return listed;
  const { sessions, next } = listed.page;
  const { sessionId } = caller.accessToken;
  const value = {
    sessions: sessions.map((session) => toSessionView(session, service.config, sessionId)),
    next_cursor: next && formatCursor(next),
  };
  return { ok: true, value };
});

export const listOwnEvents = defineOwnCall(paging, async (caller, service, { limit, cursor }) => {
  const parsed = parseSequence(cursor);
  if (!parsed.ok) return parsed;
  const listed = await own.listEvents(caller, service, { limit, before: parsed.position });
  if (!listed.ok) return listed;
  const { rows, next } = listed.page;
  const value = {
    events: rows.map(toEventView),
    next_cursor: next === null ? null : String(next),
  };
  return { ok: true, value };
});

/** The session that the access token is of. */
export const current = defineOwnCall(
  { session_id: v.optional(uuid) },
  async (caller, service, { session_id: id }) => {
    const ownId = caller.accessToken.sessionId;
    const found = await own.findOwnSession(caller, service, id ?? ownId);
    if (!found.ok) return found;
    return { ok: true, value: { session: toSessionView(found.session, service.config, ownId) } };
  },
);

/**
 * Changes the name of a device, which is all that its person may change. Without `session_id`, it
 * is the session of the access token.
 */
export const updateOwn = defineOwnCall(
  { session_id: v.optional(uuid), label: v.nullable(label) },
  async (caller, service, { session_id: id, label: name }) => {
    const ownId = caller.accessToken.sessionId;
    const named = { sessionId: id ?? ownId, label: name };
    const labelled = await labelOwnSession(caller, service, named);
    if (!labelled.ok) return labelled;
    const session = toSessionView(labelled.session, service.config, ownId);
    return { ok: true, value: { session }, outcome: 'updated' };
  },
);

/** Ends a session of the person; without an id, the one that the access token is of. */
export const revokeOwn = defineOwnCall(
  { session_id: v.optional(uuid) },
  async (caller, service, { session_id: sessionId }): Promise<Called<{ revoked: true }>> => {
    const ended =
      sessionId === undefined
        ? await endCurrent(caller, service)
        : await endOne(caller, service, sessionId);
    return ended.ok ? { ok: true, value: { revoked: true } } : ended;
  },
);

export const revokeOthers = defineOwnCall({}, async (caller, service) => {
  const ended = await endOthers(caller, service);
  return ended.ok ? { ok: true, value: { revoked: ended.revoked } } : ended;
});

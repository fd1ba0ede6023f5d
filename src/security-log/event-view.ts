/** An event as the API and the webhooks tell it. */
import type { sessionEvents } from '../db/schema';
import { toIso } from '../iso-time';
import { toLocation } from '../risk/signals';
import { describeDevice } from '../risk/user-agent';
import { parseSubject } from './audit';
import type { EventDetails } from './record';

/** Acts on one session, of which the audit log has a hash beside its person. */
const OF_ONE_SESSION: ReadonlySet<string> = new Set(['session_signed_out', 'session_changed']);

type Event = typeof sessionEvents.$inferSelect;

/** An event of the security log, or of the audit log, as webhooks tell it. */
export function toTold(event: Event) {
  return parseSubject(event.subject) === null ? toEventView(event) : toAuditView(event);
}

/** An event of the audit log. */
export function toAuditView(event: Event) {
  const { reason, facts } = parseDetails(event.details);
  const { type, id } = parseSubject(event.subject) ?? { type: null, id: null };
  return {
    id: event.id,
    type: event.type,
    created_at: toIso(event.createdAt),
    /** The client that acted. */
    client_id: event.clientId,
    target: {
      type,
      id,
      ...(type === 'user' && {
        [OF_ONE_SESSION.has(event.type) ? 'session_id_sha256' : 'id_sha256']: event.sessionId,
      }),
    },
    reason: reason ?? null,
    details: facts ?? {},
    request_id: event.requestId,
  };
}

/** An event of a person's security log. */
export function toEventView(event: Event) {
  const details = parseDetails(event.details);
  const { by, client_id, reason, act, context, risk, answer, left_out: leftOut } = details;
  return {
    id: event.id,
    type: event.type,
    created_at: toIso(event.createdAt),
    user_id: event.subject === event.sessionId ? null : event.subject,
    session_id: event.sessionId,
    client_id: event.clientId,
    /** The actor; `by_client_id` is the client that asked for it. */
    by: typeof by === 'string' ? by : null,
    ...(client_id !== undefined && { by_client_id: client_id }),
    ...(reason !== undefined && { reason }),
    ...(act !== undefined && { act }),
    ...(context !== undefined && {
      device: describeDevice(context),
      ip_address: context.address,
      location: toLocation(context),
    }),
    ...(risk !== undefined && {
      risk: { score: risk.score, level: risk.level, reasons: risk.reasons, changes: risk.changes },
    }),
    // The person's answer to whether it was them.
    ...(answer !== undefined && { answer }),
    // How many more of this type the session had in the hour, beyond the limit.
    ...(leftOut !== undefined && { left_out: leftOut }),
    request_id: event.requestId,
  };
}

/** Where and from what the request came, as far as the event tells. */
export const contextOf = (event: Event) => parseDetails(event.details).context ?? null;

/** A row that was written by hand may hold anything; it must not stop a list. */
function parseDetails(json: string): EventDetails {
  try {
    const details: unknown = JSON.parse(json);
    return typeof details === 'object' && details !== null ? details : {};
  } catch {
    return {};
  }
}

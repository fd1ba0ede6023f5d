/**
 * An act: something that a client does to other people by one of its capabilities, as the audit log
 * records it.
 */
import type { Grant } from '../config/authority';
import type { Capability } from '../config/clients';
import type { AuditEventType } from '../config/event-types';
import type { Home } from '../db/d1';
import {
  type Act,
  type ActReason,
  type Facts,
  type Target,
  toTargetKey,
} from '../security-log/audit';
import type { Caller } from './caller';
import { reportingOf } from './report';
import type { Service } from './service';

export interface ActInput {
  type: AuditEventType;
  target: Target;
  reason: ActReason | null;
  facts?: Facts;
  /** The home whose outbox delivers the event; unless it is given, the default one. */
  outboxHome?: string;
  /** The id of an act that takes several calls; unless it is given, the act is this call alone. */
  id?: string;
}

export async function toAct<C extends Capability>(
  caller: Caller,
  service: Service,
  grant: Grant<C>,
  { facts = {}, outboxHome, id = crypto.randomUUID(), ...input }: ActInput,
): Promise<Act<C>> {
  return {
    ...input,
    id,
    grant,
    facts: { ...caller.staff, ...facts },
    targetKey: await toTargetKey(input.target),
    outboxHome: outboxHome ?? service.defaultHome(caller).name,
    reporting: reportingOf(caller, service.config),
    now: service.now(),
  };
}

/**
 * After the act: a line in the log, and the webhooks' turn once the answer is out. The line names
 * nobody; `event_id` leads to what was done.
 */
export function reportAct(
  caller: Caller,
  { id, type, grant, reason, outboxHome }: Act,
  /** The results of the homes that carried the act out. */
  results: readonly { home: Pick<Home, 'name'> }[],
): void {
  if (results.some(({ home }) => home.name === outboxHome))
    caller.written.push({ home: outboxHome, eventId: id });
  console.log(
    JSON.stringify({
      level: 'info',
      event: type,
      event_id: id,
      request_id: caller.requestId,
      client_id: grant.clientId,
      reason,
    }),
  );
}

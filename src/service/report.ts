/**
 * Reports what an operation did: to the security log, in its transaction, and to the log line,
 * after it.
 */
import type { Config } from '../config/config';
import { sessionEventsThatAre } from '../config/event-types';
import { tokenLifeSeconds } from '../config/token-life';
import type { Home } from '../db/d1';
import type { RecordedEvent, Reporting } from '../security-log/record';
import type { Revocation } from '../sessions/revocation';
import type { RuleContext, WriteContext } from '../sessions/rule-context';
import type { Caller } from './caller';
import type { Service } from './service';

export function reportingOf(caller: Caller, { webhooks }: Pick<Config, 'webhooks'>): Reporting {
  return { requestId: caller.requestId, webhooks };
}

export function ruleContextOf({ config, now }: Service): RuleContext {
  return { policy: config.sessions, now: now() };
}

export function writeContextOf(caller: Caller, service: Service): WriteContext {
  return { ...ruleContextOf(service), reporting: reportingOf(caller, service.config) };
}

/** For the operations of sessions/revoke.ts. */
export function revocationOf(caller: Caller, service: Service): Revocation {
  const { config } = service;
  return {
    ...writeContextOf(caller, service),
    maxAuthAgeSeconds: config.reauthenticateToRevokeSeconds,
    tokenLifeSeconds: tokenLifeSeconds(config),
  };
}

const WARNINGS: readonly string[] = sessionEventsThatAre('warning');

/**
 * Logs a line for each event after the operation, with the event's id, and notes the events for
 * delivery to the webhooks after the answer. The line names ids alone: addresses and places stay in
 * the database.
 */
export function report(caller: Caller, { name }: Home, events: readonly RecordedEvent[]): void {
  caller.written.push(...events.map(({ id }) => ({ home: name, eventId: id })));
  for (const { id, type, sessionId, subject, clientId } of events) {
    const level = WARNINGS.includes(type) ? 'warn' : 'info';
    console[level === 'warn' ? 'warn' : 'log'](
      JSON.stringify({
        level,
        event: type,
        event_id: id,
        request_id: caller.requestId,
        session_id: sessionId,
        user_id: subject === sessionId ? null : subject,
        client_id: clientId,
      }),
    );
  }
}

/**
 * The audit log: what clients did by capabilities that reach other people. An act's event is
 * inserted by the transaction of the act, in every home that carries it out, under one id.
 *
 * It is a row of the security log's table, so that retention and webhooks are the same, but in the
 * log of no person: its `subject` is the target of the act, `audit:<type>:<id>`. A person's id
 * stands there only until the person is erased; its hash stays, in `session_id`, by which
 * deliveries to webhooks are in order.
 */
import { and, eq, type SQL, sql } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import type { Grant } from '../config/authority';
import type { Capability } from '../config/clients';
import type { AuditEventType } from '../config/event-types';
import { sha256 } from '../crypto';
import type { Home } from '../db/d1';
import { SUBJECT, sessionEvents, userSessions, users, webhookDeliveries } from '../db/schema';
import type { Reporting } from './record';
import { SEQUENCE } from './sequence';

/** Why a client did it, as it says itself. */
export const ACT_REASONS = [
  'password_changed',
  'credential_compromised',
  'account_disabled',
  'administrator',
  'user_request',
] as const;
export type ActReason = (typeof ACT_REASONS)[number];

/** The target of an act. */
export type Target =
  /** A user's id, or a guest's session id. */
  | { type: 'user'; id: string }
  /** A session that is there. Recorded of its person, with a hash of the session's own id. */
  | { type: 'session'; id: string }
  | { type: 'everyone' }
  /** A home's name, a key's `kid`, a name in WEBHOOKS, or an event's id. */
  | { type: 'home' | 'signing_key' | 'webhook_endpoint' | 'event'; id: string }
  /** All of them, or those that `facts` say. */
  | { type: 'signing_keys' | 'webhook_deliveries' | 'sessions' };

/**
 * Something that a client does by a capability, and how it is recorded. A function that needs an
 * act cannot be called without recording it.
 */
export interface Act<C extends Capability = Capability> {
  /**
   * The id of a call's act, drawn before the call, so that a transaction which is run twice records
   * the act once.
   */
  id: string;
  type: AuditEventType;
  grant: Grant<C>;
  target: Target;
  /** SHA-256 of a person's, or a session's, id; of anything else, what it is. */
  targetKey: string;
  reason: ActReason | null;
  /** Further facts of the act. They name no person, but for `why`, which is in words. */
  facts: Facts;
  /** The home whose outbox delivers the event to the webhooks, so that they get it once. */
  outboxHome: string;
  reporting: Reporting;
  now: number;
}

export type Facts = Record<string, string | number | readonly string[]>;

export async function toTargetKey(target: Target): Promise<string> {
  if (target.type === 'user' || target.type === 'session') return sha256(target.id);
  return 'id' in target ? `${target.type}:${target.id}` : target.type;
}

/** SQL: an event of the audit log. Without parameters, so that SQLite uses the index of these. */
export const IS_AUDIT = sql`substr(subject, 1, 6) = 'audit:'`;

const PREFIX = 'audit:';
/** The subject of an act on a person who is not there, or not any more. */
export const NO_LONGER_NAMED = `${PREFIX}user:`;
/** The subject of an act on a person. */
export const auditSubjectOf = (id: string) => NO_LONGER_NAMED + id;

/** Parses the target of an event of the audit log; null for an event of a person's log. */
export function parseSubject(subject: string): { type: string; id: string | null } | null {
  const [, type, id = ''] = /^audit:([a-z_]+):?(.*)$/s.exec(subject) ?? [];
  return type === undefined ? null : { type, id: id === '' ? null : id };
}

/**
 * The statements that record an act: its event, and its deliveries to webhooks. They do nothing
 * where `condition` does not hold.
 */
export function recordAct(
  home: Home,
  { id, type, grant, targetKey, reason, facts, outboxHome, reporting, now, ...act }: Act,
  condition: SQL = sql`true`,
): BatchItem<'sqlite'>[] {
  const { db } = home;
  const { requestId, webhooks } = reporting;
  const second = Math.floor(now / 1000);
  const details = JSON.stringify({ by: 'client', ...(reason !== null && { reason }), facts });
  const event = db
    .insert(sessionEvents)
    .select(
      sql`select null, ${id}, ${type}, ${toSubject(act.target, type)}, ${targetKey}, ${grant.clientId}, ${requestId}, ${second}, ${details}, null, null where ${condition}`,
    )
    .onConflictDoNothing();
  // Of several requests that share the event, only the one that wrote it delivers it.
  const own = and(eq(sessionEvents.id, id), eq(sessionEvents.requestId, requestId));
  const endpoints = webhooks.filter(({ events }) => home.name === outboxHome && events.has(type));
  const deliveries = endpoints.map(({ name }) =>
    db
      .insert(webhookDeliveries)
      .select(
        sql`select id, ${name}, 'pending', 0, ${second}, null, session_id, ${SEQUENCE} from ${sessionEvents} where ${own}`,
      )
      .onConflictDoNothing(),
  );
  return [event, ...deliveries];
}

/** SQL: the subject of an act's event. A person is named where they are, and while they are. */
function toSubject(target: Target, type: AuditEventType): SQL {
  if (target.type === 'session')
    return sql`(select ${NO_LONGER_NAMED} || ${SUBJECT} from ${userSessions} where ${eq(userSessions.id, target.id)})`;
  if (target.type !== 'user')
    return sql`${PREFIX + ('id' in target ? `${target.type}:${target.id}` : target.type)}`;
  if (type === 'user_erased') return sql`${NO_LONGER_NAMED}`;
  const isHere = sql`(exists (select 1 from ${users} where ${eq(users.id, target.id)}) or exists (select 1 from ${userSessions} where ${eq(userSessions.id, target.id)}))`;
  return sql`iif(${isHere}, ${auditSubjectOf(target.id)}, ${NO_LONGER_NAMED})`;
}

/**
 * The statement that leaves no id of these people in the audit log, and nothing that was written
 * about them in words.
 */
export function forgetInAudit({ db }: Home, ids: readonly string[]) {
  const subjects = JSON.stringify(ids.map(auditSubjectOf));
  const { details } = sessionEvents;
  return db
    .update(sessionEvents)
    .set({
      subject: NO_LONGER_NAMED,
      details: sql`iif(json_valid(${details}), json_remove(${details}, '$.facts.why'), ${details})`,
    })
    .where(sql`${sessionEvents.subject} in (select value from json_each(${subjects}))`);
}

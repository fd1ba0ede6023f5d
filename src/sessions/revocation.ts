/**
 * Revocation: the parts that all ways of ending sessions share. A revoked session keeps its row,
 * marked, until the clean-up's retention has passed, so that its user can be told why. Revoking
 * twice changes nothing.
 */

import { and, eq, isNull, type SQL, sql } from 'drizzle-orm';
import type { SessionPolicies } from '../config/session-policy';
import type { Home } from '../db/d1';
import { given, prepareOnce, prepareOncePer } from '../db/prepared';
import { userSessions } from '../db/schema';
import type { Act } from '../security-log/audit';
import {
  type EventDetails,
  insertEvents,
  type RecordedEvent,
  recordWhere,
  reportTo,
} from '../security-log/record';
import type { RevokedReason } from './end-reason';
import type { WriteContext } from './rule-context';
import { isLive, PLACEHOLDERS_OF_NOW, toValuesOfNow } from './session';

/** The context of an operation that ends sessions. */
export interface Revocation extends WriteContext {
  /**
   * Ending sessions other than the caller's own needs an authentication at most this old (ASVS
   * 7.5.2), so that a thief of one device cannot lock its owner out; null: any.
   */
  maxAuthAgeSeconds: number | null;
  /**
   * How long access tokens live, with the skew of clocks: for so long verifiers are told of an
   * ended session.
   */
  tokenLifeSeconds: number;
}

export type RevokeResult =
  | { ok: true; events: RecordedEvent[] }
  | { ok: false; reason: 'caller_session_ended' | 'not_found' }
  /** The caller's session is that of support staff, who act as the person. */
  | { ok: false; reason: 'actor_not_allowed' }
  /** The person behind the caller's session proved too long ago who they are. */
  | { ok: false; reason: 'authentication_too_old' };

/** The actor who ends a session, and the reason that its row is marked with. */
export type RevokedBy = EventDetails & { reason: RevokedReason };

export const BY_USER = { by: 'user', reason: 'signed_out' } as const satisfies RevokedBy;

/** On a client's behalf, for the reason that it gave. */
export const byAct = ({ grant, reason }: Act): RevokedBy => ({
  by: 'client',
  client_id: grant.clientId,
  reason: reason ?? 'revoked',
});

/** Ends the one session that meets a condition, and reports it if it was live. */
export function endOne(
  home: Home,
  condition: SQL | undefined,
  by: RevokedBy,
  revocation: Revocation,
) {
  const id = crypto.randomUUID();
  const { reporting, now } = revocation;
  const report = reportTo(reporting, { written: [id], now });
  return {
    ...endWhere(home, condition, by, { ...revocation, eventId: id }),
    deliveries: report.deliveries,
    events: report.readBack,
  };
}

/** Ends a session by its id, and by its client where `clientId` is given. */
export function endById(
  { sessionId, clientId }: { sessionId: string; clientId: string | null },
  by: RevokedBy,
  { policy, reporting, now }: Revocation,
) {
  const eventId = crypto.randomUUID();
  const { requestId } = reporting;
  const values = {
    sessionId,
    clientId,
    eventId,
    requestId,
    ...toValuesOfNow(now),
    reason: by.reason,
    details: JSON.stringify(by),
  };
  const report = reportTo(reporting, { written: [eventId], now });
  return {
    logged: logById(policy, values),
    ended: endOfId(values),
    deliveries: report.deliveries,
    events: report.readBack,
  };
}

/**
 * SQL: the session was not revoked, and has not left. A session on its way to another home is
 * ended, and logged, where it arrives: if it were marked here, it would arrive as one that is over
 * already.
 */
const IS_OPEN_HERE = and(isNull(userSessions.revokedAt), isNull(userSessions.movedTo));

const isNamed = and(
  eq(userSessions.id, given('sessionId')),
  sql`(${given('clientId')} is null or ${userSessions.clientId} = ${given('clientId')})`,
);

const logById = prepareOncePer((db, policy: SessionPolicies) => {
  const event = {
    id: given('eventId'),
    type: 'session_revoked',
    details: given('details'),
    requestId: given('requestId'),
    second: given('second'),
  } as const;
  return insertEvents(db, event, and(isNamed, isLive(policy, PLACEHOLDERS_OF_NOW)));
});

const endOfId = prepareOnce((db) =>
  db
    .update(userSessions)
    .set({ revokedAt: sql`${given('second')}`, revokedReason: sql`${given('reason')}` })
    .where(and(isNamed, IS_OPEN_HERE)),
);

/**
 * The statements that mark the sessions that meet a condition, and log those that were live.
 * `eventId`: null where there may be several.
 */
export function endWhere(
  home: Home,
  condition: SQL | undefined,
  details: RevokedBy,
  { policy, reporting: { requestId }, now, eventId }: Revocation & { eventId: string | null },
) {
  const event = { id: eventId, type: 'session_revoked', details } as const;
  return {
    logged: recordWhere(home, event, {
      condition: and(condition, isLive(policy, now)),
      requestId,
      now,
    }),
    ended: home.db
      .update(userSessions)
      .set({ revokedAt: new Date(now), revokedReason: details.reason })
      .where(and(condition, IS_OPEN_HERE)),
  };
}

/** When the last access token that was issued by now has expired. */
export function tokensEnd({ tokenLifeSeconds, now }: Revocation): Date {
  return new Date(now + tokenLifeSeconds * 1000);
}

/**
 * A guest who becomes a user: the guest's session ends as the user's starts, and what is held of
 * the guest is held of the user from then on. The user sees the row and the log, they move with the
 * user, and are erased with the user.
 */

import { and, eq, inArray, isNull, type SQL, sql } from 'drizzle-orm';
import type { SessionPolicies } from '../config/session-policy';
import { type Home, transact } from '../db/d1';
import { given, prepareOnce, prepareOncePer, type Values } from '../db/prepared';
import { sessionEvents, userSessions } from '../db/schema';
import { insertEvents } from '../security-log/record';
import type { RevokedReason } from './end-reason';
import { SLICE } from './open';
import { isReachedBy } from './reach';
import { isLive, PLACEHOLDERS_OF_NOW } from './session';

/** SQL: the session is the live one of a guest, of a client that the grant reaches. */
export function isGuest(policy: SessionPolicies): SQL | undefined {
  return and(
    eq(userSessions.id, given('guestSessionId')),
    isReachedBy(userSessions.clientId, given('reach')),
    isNull(userSessions.userId),
    isLive(policy, PLACEHOLDERS_OF_NOW),
  );
}

/** SQL: the create of the user's session has happened. */
export const IS_CREATED = sql`exists (select 1 from ${userSessions} where ${eq(userSessions.id, given('sessionId'))})`;

const logUpgrade = prepareOncePer((db, policy: SessionPolicies) => {
  const event = {
    id: given('upgradedId'),
    type: 'session_revoked',
    details: JSON.stringify({ by: 'client', reason: 'upgraded' }),
    requestId: given('requestId'),
    second: given('second'),
  } as const;
  return insertEvents(db, event, and(isGuest(policy), IS_CREATED));
});

const endGuest = prepareOncePer((db, policy: SessionPolicies) =>
  db
    .update(userSessions)
    .set({
      revokedAt: sql`${given('second')}`,
      revokedReason: 'upgraded' satisfies RevokedReason,
    })
    .where(and(isGuest(policy), IS_CREATED)),
);

const adoptSession = prepareOnce((db) =>
  db
    .update(userSessions)
    .set({ userId: sql`${given('userId')}` })
    .where(
      and(
        eq(userSessions.id, given('guestSessionId')),
        isNull(userSessions.userId),
        eq(userSessions.revokedReason, 'upgraded' satisfies RevokedReason),
        IS_CREATED,
      ),
    ),
);

const adoptEvents = prepareOnce((db) => {
  const some = db
    .select({ seq: sessionEvents.seq })
    .from(sessionEvents)
    .where(and(eq(sessionEvents.subject, given('guestSessionId')), IS_CREATED))
    .limit(SLICE);
  return db
    .update(sessionEvents)
    .set({ subject: sql`${given('userId')}` })
    .where(inArray(sessionEvents.seq, some))
    .returning({ seq: sessionEvents.seq });
});

/** The statements of the end, and of the adoption of the row and a slice of the log. */
export function upgradeGuest(policy: SessionPolicies, values: Values) {
  return {
    logged: logUpgrade(policy, values),
    ended: endGuest(policy, values),
    adopted: adoptSession(values),
    events: adoptEvents(values),
  };
}

/** Adopts the rest of a long log, when the create has adopted a slice of it. */
export async function adoptRest(home: Home, values: Values, adopted: number): Promise<void> {
  for (let slice = adopted; slice === SLICE; ) {
    const { events } = await transact(home, () => ({ events: adoptEvents(values) }));
    slice = events.length;
  }
}

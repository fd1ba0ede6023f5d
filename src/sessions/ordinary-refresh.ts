/**
 * The statement that every refresh runs first, and most refreshes need alone: it moves a live
 * session on when its current token is presented, the last rotation is older than the grace period,
 * and nothing about the caller has to be assessed.
 */
import { and, eq, sql } from 'drizzle-orm';
import { policyOf, type SessionPolicies } from '../config/session-policy';
import { given, prepareOnce } from '../db/prepared';
import { userSessions } from '../db/schema';
import { isUnremarkable, keepKnownSql, toCompared, toPatch } from '../risk/signals';
import { IS_GRANTED, toRequestedValues } from './granted';
import { GIVEN_POLICY, toValuesOfPolicy } from './policy-sql';
import type { RefreshAttempt } from './refresh-case';
import { isLive, isWithinGrace, PLACEHOLDERS_OF_NOW, toValuesOfNow } from './session';

const writeStatement = (isDeviceKnown: boolean) =>
  prepareOnce((db) =>
    db
      .update(userSessions)
      .set({
        refreshToken: sql`${given('nextHash')}`,
        rotatedAt: sql`${given('now')}`,
        lastSignals: keepKnownSql(given('lastSignals')),
      })
      .where(
        and(
          eq(userSessions.id, given('sessionId')),
          eq(userSessions.clientId, given('clientId')),
          eq(userSessions.refreshToken, given('hash')),
          isLive(GIVEN_POLICY, PLACEHOLDERS_OF_NOW),
          IS_GRANTED,
          sql`not ${isWithinGrace(GIVEN_POLICY, PLACEHOLDERS_OF_NOW)}`,
          isUnremarkable(
            {
              network: given('network'),
              formerNetwork: given('formerNetwork'),
              asn: given('asn'),
              country: given('country'),
              browser: given('browser'),
              platform: given('platform'),
              hints: given('hints'),
              version: given('version'),
            },
            { isDeviceKnown },
          ),
        ),
      )
      .returning({ id: userSessions.id }),
  );

const forKnownDevice = writeStatement(true);
const forUnknownDevice = writeStatement(false);

/** Returns the session's id; nothing, when the refresh is no ordinary one. */
export function ordinaryRefresh(
  policies: SessionPolicies,
  { clientId, hash, successors: [next], requested, signals, formerNetwork }: RefreshAttempt,
  { sessionId, isDeviceKnown, now }: { sessionId: string; isDeviceKnown: boolean; now: number },
) {
  const statement = isDeviceKnown ? forKnownDevice : forUnknownDevice;
  return statement({
    sessionId,
    clientId,
    hash,
    nextHash: next.hash,
    lastSignals: toPatch(signals),
    ...toValuesOfNow(now),
    ...toRequestedValues(requested),
    ...toValuesOfPolicy(policyOf(policies, clientId)),
    ...toCompared(signals, { formerNetwork }),
  });
}

/**
 * Refreshing a session: the cases. A session that has moved to another home is followed there. Of
 * one that is here, an authentic token is, by what its row stores:
 *
 *   1. current      the token's own hash, last rotation older than the grace period
 *                   → rotated: the successor
 *   2. current      rotated within the grace period → kept: the same token again
 *   3. predecessor  the successor's hash, within the grace period
 *                   → repeated: the same successor again
 *   4. predecessor  later, but from whoever made that rotation, within LOST_ANSWER_SECONDS
 *                   → recovered: the answer had been lost (recovery.ts)
 *   5. superseded by a step-up, within the grace period
 *                   → kept: the same token again, as it was before (before-step-up.ts)
 *   6. anything else → reuse: the session is revoked (RFC 9700 §4.14.2)
 *
 * The grace period counts from the rotation that the row stores (`wasRotatedWithinGrace`,
 * session.ts). Because of 2 a session moves at most one step a grace period, so a superseded token
 * stays good for the whole of it and signs nobody out, however many tabs, retries and slow requests
 * race; after it, it is a lost answer or theft.
 *
 * A caller whose signals differ from the session's last ones is assessed (risk/assess.ts) before
 * any answer.
 */

import type { RiskPolicy } from '../config/risk';
import { policyOf, type SessionPolicies } from '../config/session-policy';
import type { Keyring } from '../crypto';
import type { StoredAddress } from '../risk/address';
import { assess, looksLikeSameCaller } from '../risk/assess';
import type { Signals } from '../risk/signals';
import { type RepeatableDraft, toOnce } from '../security-log/hourly-limit';
import type { EventDetails, EventDraft, Reporting } from '../security-log/record';
import type { Successor } from '../tokens/refresh-token';
import {
  findBeforeStepUp,
  findSupersededByStepUp,
  type KnownAuthentication,
} from './before-step-up';
import type { EndReason } from './end-reason';
import { type NotGranted, type RequestedGrant, whyNotGranted } from './granted';
import { toLastSignals } from './last-signals';
import {
  findRecovery,
  IS_RECOVERY,
  markRecovery,
  mayRecover,
  type RepeatOutcome,
} from './recovery';
import {
  checkSession,
  lastUsedAt,
  MOVED,
  type Session,
  type SessionWithNotBefore,
  wasRotatedWithinGrace,
} from './session';

export interface RefreshPolicy {
  sessions: SessionPolicies;
  risk: RiskPolicy;
  lostAnswerSeconds: number;
}

/** The context of every refresh, beside the attempt and the row. */
export interface RefreshContext {
  keyring: Keyring;
  policy: RefreshPolicy;
  reporting: Reporting;
  now: number;
}

/** A token, and the caller who presents it. */
export interface RefreshAttempt {
  secret: string;
  /** Whether the token was signed under a SESSION_SECRET that has leaked. */
  mayBeForged: boolean;
  hash: string;
  /** The successors under each SESSION_SECRET in use. */
  successors: readonly [Successor, ...Successor[]];
  clientId: string;
  requested: RequestedGrant;
  signals: Signals;
  /** The caller's network as it was stored under the previous SESSION_SECRET. */
  formerNetwork: string | null;
  /** The same network as earlier configurations stored it (risk/address.ts). */
  otherNetworks: StoredAddress['otherNetworks'];
  /** As it was sent, because the release before parsed it otherwise (risk/former-device.ts). */
  userAgent: string | null;
}

/** The outcome of a refresh that succeeds. */
export type RefreshOutcome = 'rotated' | RepeatOutcome;

export type RefreshCase =
  /** The session goes on in another home. */
  | { do: 'follow' }
  /** Refused; the row stays as it is. */
  | { do: 'refuse'; reason: EndReason | 'wrong_client' | 'unproven' | NotGranted }
  | { do: 'demand_reauthentication'; event: RepeatableDraft }
  | { do: 'revoke'; reason: 'reuse_detected' | 'suspicious'; event: EventDraft }
  | { do: 'rotate'; event: RepeatableDraft | null }
  /** The same token again, or its successor. */
  | {
      do: 'repeat';
      outcome: RepeatOutcome;
      secret: string;
      event: RepeatableDraft | null;
      /** The new value of the row's `recoveries`; null: it stays as it is. */
      mark: string | null;
      /** The authentication that the answer names; null: the row's. */
      authentication: KnownAuthentication | null;
    };

type Type = EventDraft['type'];

/**
 * Decides the case of an attempt on this row. `isOwnRotation`: this very attempt made the last
 * rotation, in a run whose outcome was unknown.
 */
export async function toRefreshCase(
  row: SessionWithNotBefore,
  attempt: RefreshAttempt,
  policy: RefreshPolicy,
  { now, isOwnRotation }: { now: number; isOwnRotation: boolean },
): Promise<RefreshCase> {
  if (row.clientId !== attempt.clientId) return { do: 'refuse', reason: 'wrong_client' };
  const ended = checkSession(row, policy.sessions, now);
  if (ended === MOVED) return { do: 'follow' };
  if (ended !== null) return { do: 'refuse', reason: ended };

  const last = await toLastSignals(row, attempt);
  const assessment = assess(last, attempt.signals, {
    policy: policy.risk,
    seenAt: lastUsedAt(row).getTime(),
    now,
  });
  const details: EventDetails = { by: 'user', context: attempt.signals };
  if (assessment.level !== 'none') details.risk = assessment;
  const rotatedAt = row.rotatedAt?.getTime() ?? 0;
  /**
   * An event that presenting a token again does not write again. Its `once` is a hash of the last
   * rotation and the caller's signals, and the INSERT does nothing where an event has it already.
   * security-log/hourly-limit.ts bounds what a caller can cause by changing its signals.
   */
  const draftOnce = async (type: Type, moment = rotatedAt): Promise<RepeatableDraft> => ({
    type,
    once: await toOnce([moment, JSON.stringify(attempt.signals)]),
    details,
  });
  /** The end of the session, which happens once. */
  const revoke = (
    type: Type,
    reason: Extract<RefreshCase, { do: 'revoke' }>['reason'],
    more: EventDetails = {},
  ): RefreshCase => ({
    do: 'revoke',
    reason,
    event: { id: crypto.randomUUID(), type, details: { ...details, by: 'system', ...more } },
  });

  const isInGrace = wasRotatedWithinGrace(row, policy.sessions, now) || isOwnRotation;
  const rotates = row.refreshToken === attempt.hash && !isInGrace;
  const given = rotates ? null : findGiven(row, last, attempt, { policy, now, isInGrace });
  // A leaked secret can sign for any session: only the secret that the row expects proves anything.
  if (attempt.mayBeForged && !rotates && (given === null || IS_RECOVERY[given.outcome]))
    return { do: 'refuse', reason: 'unproven' };
  if (!rotates && given === null) return revoke('reuse_detected', 'reuse_detected');
  switch (assessment.decision) {
    case 'revoke':
      return revoke('session_revoked', 'suspicious', { reason: 'suspicious' });
    case 'reauthenticate':
      return { do: 'demand_reauthentication', event: await draftOnce('reauthentication_demanded') };
    default:
      assessment.decision satisfies 'allow' | 'log' | 'notify';
  }

  // A caller who asks for too much keeps the token that they have.
  const notGranted = whyNotGranted(row, attempt.requested);
  if (notGranted !== null) return { do: 'refuse', reason: notGranted };

  const isSuspicious = assessment.level === 'medium' || assessment.level === 'high';
  if (given === null) {
    if (assessment.level === 'none') return { do: 'rotate', event: null };
    const event = await draftOnce(isSuspicious ? 'mismatch' : 'context_changed');
    return { do: 'rotate', event };
  }
  if (!IS_RECOVERY[given.outcome]) {
    // A small difference is reported when the session next rotates.
    const mismatch = isSuspicious ? await draftOnce('mismatch') : null;
    return { do: 'repeat', ...given, event: mismatch, mark: null };
  }
  const former = findRecovery(row, policy.sessions, now);
  const event = await draftOnce('answer_recovered', former ?? now);
  const mark = former === null ? markRecovery(row, now) : null;
  return { do: 'repeat', ...given, event, mark };
}

/** The token that answers an attempt which moves nothing on; null: the attempt is theft. */
function findGiven(
  row: SessionWithNotBefore,
  last: Signals | null,
  attempt: RefreshAttempt,
  { policy, now, isInGrace }: { policy: RefreshPolicy; now: number; isInGrace: boolean },
): Pick<Extract<RefreshCase, { do: 'repeat' }>, 'outcome' | 'secret' | 'authentication'> | null {
  const superseded = findSupersededByStepUp(row, attempt, policy.sessions, now);
  if (superseded !== null) {
    const { isKept, secret, authentication } = superseded;
    return { outcome: isKept ? 'kept' : 'repeated', secret, authentication };
  }
  if (row.refreshToken === attempt.hash)
    return { outcome: 'kept', secret: attempt.secret, authentication: null };
  const successor = attempt.successors.find(({ hash }) => hash === row.refreshToken);
  if (successor === undefined) return null;
  const { secret } = successor;
  if (isInGrace) return { outcome: 'repeated', secret, authentication: null };
  if (!isComingBack(row, last, attempt, { policy, now })) return null;
  return { outcome: 'recovered', secret, authentication: findBeforeStepUp(row, attempt.hash) };
}

/**
 * Whether the caller is the one who made the last rotation, not too long ago, and former recoveries
 * leave room for one more.
 */
function isComingBack(
  row: Session,
  last: Signals | null,
  { signals, hash }: RefreshAttempt,
  { policy, now }: { policy: RefreshPolicy; now: number },
): boolean {
  const { lostAnswerSeconds, sessions } = policy;
  // Without a grace period rotation is strict: there are no second uses.
  const { graceSeconds } = policyOf(sessions, row.clientId);
  if (graceSeconds === 0 || row.rotatedAt === null) return false;
  return (
    now - row.rotatedAt.getTime() < lostAnswerSeconds * 1000 &&
    (findRecovery(row, sessions, now) !== null || mayRecover(row, hash, now)) &&
    looksLikeSameCaller(last, signals)
  );
}

/**
 * Refreshes a session: the ratchet. Nearly every refresh is one round trip: an UPDATE that moves
 * the session forward when it can only be the first case of refresh-case.ts and no signal has
 * changed, and the row as it is then. Where the UPDATE did nothing, refresh-case.ts decides from
 * that row, and a second transaction does what it says, only if the row is still the one that was
 * read. So no answer depends on a row that has changed since, and of racing refreshes one rotates
 * and the others find what it did.
 */
import { sha256 } from '../crypto';
import { type Home, transact } from '../db/d1';
import { DatabaseUnavailableError } from '../faults';
import type { StoredAddress } from '../risk/address';
import { asItWas, keepKnown, parseSignals, type Signals } from '../risk/signals';
import type { RepeatableDraft } from '../security-log/hourly-limit';
import type { EventDraft, RecordedEvent } from '../security-log/record';
import { successorsOf, type VerifiedRefreshToken } from '../tokens/refresh-token';
import { changeIfUnchanged, type RowChange } from './change-if-unchanged';
import { type RefusalReason, type RevokedReason, toEndReason } from './end-reason';
import type { NotGranted, RequestedGrant } from './granted';
import { ordinaryRefresh } from './ordinary-refresh';
import {
  type RefreshAttempt,
  type RefreshCase,
  type RefreshContext,
  type RefreshOutcome,
  toRefreshCase,
} from './refresh-case';
import { MOVED, type Moved, type Session, selectSession } from './session';

export interface Refresh {
  token: VerifiedRefreshToken;
  /** Only the client that the token was issued to may refresh it (RFC 6749 §6). */
  clientId: string;
  /** The audiences and scopes that the access token is asked to have. */
  requested: RequestedGrant;
  signals: Signals;
  formerNetwork: StoredAddress['formerNetwork'];
  otherNetworks: StoredAddress['otherNetworks'];
  userAgent: string | null;
  /**
   * Signals that a server which refreshes for its person does not know: they are taken to be as
   * they were, and prove nothing.
   */
  unknownSignals: readonly (keyof Signals)[];
}

export type RotateResult = {
  /** The events that this call wrote to the security log. */
  events: RecordedEvent[];
} & (
  | {
      ok: true;
      outcome: RefreshOutcome;
      session: Session;
      /** The secret of the token to answer with. */
      secret: string;
    }
  | { ok: false; reason: RefusalReason }
  /** `unproven`: the token may be forged, and is not the token that the session expects. */
  | { ok: false; reason: 'unknown_session' | 'wrong_client' | 'unproven' | NotGranted }
);

/**
 * Reads of a row that was changed before it could be acted on. Each loss means that another refresh
 * won, so few are ever needed.
 */
export const MAX_LOST_RACES = 10;

/**
 * Refreshes the session of an authentic token. One round trip and at most one row written, unless
 * there is something to report: then two, and the event. Throws `DatabaseUnavailableError`.
 */
export async function rotateSession(
  home: Home,
  { token, unknownSignals, ...caller }: Refresh,
  { keyring, policy, reporting, now }: RefreshContext,
): Promise<RotateResult | Moved> {
  const [hash, successors] = await Promise.all([
    sha256(token.secret),
    successorsOf(keyring, token),
  ]);
  const attempt: RefreshAttempt = {
    secret: token.secret,
    mayBeForged: token.mayBeForged,
    hash,
    successors,
    ...caller,
  };
  const [next] = successors;
  const step = { refreshToken: next.hash, rotatedAt: new Date(now) };
  const { sessions } = policy;
  let wasRerun = false;

  const ordinary = ordinaryRefresh(sessions, attempt, {
    sessionId: token.sessionId,
    isDeviceKnown: !unknownSignals.includes('browser'),
    now,
  });
  // A lost answer is recovered for the same caller alone, and these signals tell callers apart. One
  // that is unknown does not make the caller the same.
  const isRecognizable = !(['browser', 'network', 'asn'] as const).some((name) =>
    unknownSignals.includes(name),
  );
  const weighing = isRecognizable ? policy : { ...policy, lostAnswerSeconds: 0 };
  const own = selectSession(token.sessionId);
  const { ordinary: rotated, own: found } = await transact(home, (isRerun) => {
    wasRerun = isRerun;
    return { ordinary, own };
  });
  let row = found[0];
  if (rotated.length === 1 && row !== undefined)
    return { ok: true, outcome: 'rotated', session: row, secret: next.secret, events: [] };

  for (let races = 0; races < MAX_LOST_RACES; races += 1) {
    if (row === undefined) return { ok: false, reason: 'unknown_session', events: [] };
    // A rotation of this very moment is this call's own, whose answer was lost on the way from the
    // database.
    const isOwnRotation = wasRerun && row.rotatedAt?.getTime() === now;
    const weighed = {
      ...attempt,
      signals: asItWas(row.lastSignals, caller.signals, unknownSignals),
    };
    const refreshCase = await toRefreshCase(row, weighed, weighing, { now, isOwnRotation });
    const known = JSON.stringify(keepKnown(parseSignals(row.lastSignals), caller.signals));
    const change = toChange(refreshCase, { ...step, lastSignals: known }, now);
    if (change === null && toEvent(refreshCase) === null)
      return toResult(refreshCase, row, next.secret, []);
    const { isDone, isRerun, after, events } = await changeIfUnchanged(home, row, {
      change,
      event: toEvent(refreshCase),
      reporting,
      now,
    });
    if (isDone) return toResult(refreshCase, after ?? row, next.secret, events);
    // Another request won the race, or an earlier try of this one was applied: the row as it is now
    // decides.
    wasRerun = isRerun;
    row = after;
  }
  throw new DatabaseUnavailableError('the row changed each time before it could be acted on');
}

/** The change of the row in a case; null: none. */
function toChange(refreshCase: RefreshCase, step: RowChange, now: number): RowChange | null {
  switch (refreshCase.do) {
    case 'rotate':
      return step;
    case 'revoke':
      return {
        revokedAt: new Date(now),
        revokedReason: refreshCase.reason satisfies RevokedReason,
      };
    case 'repeat':
      return refreshCase.mark === null
        ? null
        : { recoveries: refreshCase.mark, ...refreshCase.authentication };
    case 'follow':
    case 'refuse':
    case 'demand_reauthentication':
      return null;
  }
}

function toEvent(refreshCase: RefreshCase): EventDraft | RepeatableDraft | null {
  return 'event' in refreshCase ? refreshCase.event : null;
}

function toResult(
  refreshCase: RefreshCase,
  session: Session,
  next: string,
  events: RecordedEvent[],
): RotateResult | Moved {
  switch (refreshCase.do) {
    case 'follow':
      return MOVED;
    case 'refuse':
      return { ok: false, reason: refreshCase.reason, events };
    case 'demand_reauthentication':
      return { ok: false, reason: 'reauthenticate', events };
    case 'revoke':
      return { ok: false, reason: toEndReason(refreshCase.reason), events };
    case 'rotate':
      return { ok: true, outcome: 'rotated', session, secret: next, events };
    case 'repeat':
      return {
        ok: true,
        outcome: refreshCase.outcome,
        session: { ...session, ...refreshCase.authentication },
        secret: refreshCase.secret,
        events,
      };
  }
}

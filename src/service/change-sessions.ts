/**
 * Changes live sessions: a backend changes one by its id, or all of a user's; a person renames a
 * device of theirs. No change signs anybody out.
 */
import type { Grant } from '../config/authority';
import { longestTokenTtlSeconds } from '../config/session-policy';
import type { ActReason, Facts } from '../security-log/audit';
import type { Session } from '../sessions/session';
import {
  type LabelResult,
  labelSession,
  type SessionChange,
  updateByAct,
  updateUser,
} from '../sessions/update-sessions';
import { reportAct, toAct } from './acts';
import { callerEnded, whyNotAdmitted } from './admit-user';
import { authorize } from './authorize';
import type { ClientCaller, UserCaller } from './caller';
import { actInEveryHome } from './every-home';
import { whereCallerIs, whereverItIs } from './follow-session';
import { whyTooLongForCookie } from './hand-off';
import {
  invalid,
  type Refused,
  type Result,
  refuse,
  SESSION_ENDED,
  UNKNOWN_SESSION,
} from './refusal';
import { ruleContextOf } from './report';
import type { Service } from './service';
import { throttleClient } from './throttle';

export interface ChangeInput extends Omit<SessionChange, 'endsBy' | 'makesTokensStale'> {
  /** Seconds from now; a session that ends before keeps its end. */
  expiresIn?: number;
  /** Access tokens from before are no longer good, as verifiers learn within their bounds. */
  appliesNow: boolean;
}

/** Changes a session, a guest's too. */
export async function updateReached(
  caller: ClientCaller,
  service: Service,
  { sessionId, ...input }: ChangeInput & { sessionId: string },
  reason: ActReason | null,
): Promise<Result<{ session: Session }>> {
  const authorized = authorize(caller.client, 'manage_users');
  if (!authorized.ok) return authorized;
  const { grant } = authorized;
  const throttled = await throttleClient(caller, service, sessionId);
  if (throttled !== null) return throttled;
  const drafted = draftChange(grant, service, input);
  if (!drafted.ok) return drafted;
  const { change, facts } = drafted;
  const target = { type: 'session', id: sessionId } as const;
  const act = await toAct(caller, service, grant, {
    type: 'session_changed',
    target,
    reason,
    facts,
  });
  const at = ruleContextOf(service);
  const found = await whereverItIs(caller, service, sessionId, (home) =>
    updateByAct(home, act, { sessionId, change }, at),
  );
  if (found === null || !grant.includes(found.result.session.clientId)) return UNKNOWN_SESSION;
  const { home } = found;
  const { session, isUpdated, ended } = found.result;
  if (isUpdated) {
    reportAct(caller, { ...act, outboxHome: home.name }, [{ home }]);
    return { ok: true, session };
  }
  return ended === null ? UNKNOWN_SESSION : refuse({ code: 'session_over', reason: ended });
}

/**
 * Changes the live sessions of a user that the caller may change, all of a home in one transaction.
 * Safe to repeat, and to be repeated until every home has answered: throws
 * `DatabaseUnavailableError` while one does not.
 */
export async function updateSessionsOf(
  caller: ClientCaller,
  service: Service,
  { userId, ...input }: ChangeInput & { userId: string },
  reason: ActReason | null,
): Promise<Result<{ updated: number }>> {
  const authorized = authorize(caller.client, 'manage_users');
  if (!authorized.ok) return authorized;
  const { grant } = authorized;
  const throttled = await throttleClient(caller, service, userId);
  if (throttled !== null) return throttled;
  const drafted = draftChange(grant, service, input);
  if (!drafted.ok) return drafted;
  const { change, facts } = drafted;
  const target = { type: 'user', id: userId } as const;
  const type = 'user_sessions_changed';
  const act = await toAct(caller, service, grant, { type, target, reason, facts });
  const at = ruleContextOf(service);
  const updated = new Set<string>();
  await actInEveryHome(caller, service, { userId, act }, async (home) => {
    for (const id of await updateUser(home, act, { userId, change }, at)) updated.add(id);
  });
  return { ok: true, updated: updated.size };
}

/** The change in the terms of sessions/, and the facts that the audit log has of it. */
function draftChange(
  grant: Grant<'manage_users'>,
  { config, now }: Service,
  { expiresIn, appliesNow, ...change }: ChangeInput,
): Result<{ change: SessionChange; facts: Facts }> {
  const { claims } = change;
  const changed = Object.entries({ ...change, expires_in: expiresIn })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => name);
  if (changed.length === 0 && !appliesNow) return invalid('There is nothing to change');
  const refused = claims == null ? null : whyTooLongForCookie(config, grant, claims);
  if (refused !== null) return refused;
  const endsBy = expiresIn === undefined ? undefined : new Date(now() + expiresIn * 1000);
  if (endsBy !== undefined && Number.isNaN(endsBy.getTime()))
    return invalid('expires_in is too large');
  // No access token outlives its session.
  const isSoon = expiresIn !== undefined && expiresIn < longestTokenTtlSeconds(config.sessions);
  return {
    ok: true,
    change: {
      ...change,
      ...(endsBy !== undefined && { endsBy }),
      makesTokensStale: appliesNow || isSoon,
    },
    facts: { changed, ...(appliesNow && { apply: 'now' }) },
  };
}

/** Names one of a person's own devices; null takes the name away. */
export async function labelOwnSession(
  caller: UserCaller,
  service: Service,
  named: { sessionId: string; label: string | null },
): Promise<Result<{ session: Session }>> {
  const refused = await whyNotAdmitted(caller, service);
  if (refused !== null) return refused;
  const at = ruleContextOf(service);
  const found = await whereCallerIs(caller, service, (home) =>
    labelSession(home, caller.accessToken, named, at),
  );
  if (found === null) return SESSION_ENDED;
  const { result } = found;
  if (result.ok) return { ok: true, session: result.session };
  return result.reason === 'caller_session_ended'
    ? callerEnded(caller, service)
    : toLabelRefused(result);
}

/** Why a person's device was not named, however the person was known. */
export function toLabelRefused({ reason }: Extract<LabelResult, { ok: false }>): Refused {
  switch (reason) {
    case 'actor_not_allowed':
      return refuse({ code: reason });
    case 'not_found':
      return UNKNOWN_SESSION;
    case 'caller_session_ended':
      return SESSION_ENDED;
  }
}

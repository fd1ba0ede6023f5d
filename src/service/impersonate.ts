/** Support staff act as a user (RFC 8693 §1.1): what is different when such a session starts. */
import type { Grant, StartCapability } from '../config/authority';
import type { SessionPolicy } from '../config/session-policy';
import type { Home } from '../db/d1';
import type { Act } from '../security-log/audit';
import { SUPPORT_SECONDS, type SupportActor } from '../sessions/actor';
import type { NewSession } from '../sessions/new-session';
import type { IssuedName } from '../sessions/people';
import { toAct } from './acts';
import type { Caller, ClientCaller } from './caller';
import { invalid, type Result } from './refusal';
import type { Service } from './service';
import { identifyUser } from './user-by-issued-name';

/**
 * Puts the user's id in place of a name, where support staff act as somebody: a name must not make
 * a new user.
 */
export async function toKnownUser<
  Input extends { userId: string | null; userName: IssuedName | null },
>(
  { capability }: Grant<StartCapability>,
  caller: ClientCaller,
  service: Service,
  input: Input,
): Promise<Result<{ input: Input }>> {
  if (capability !== 'impersonate') return { ok: true, input };
  if (input.userId === null && input.userName === null)
    return invalid('act needs the user as whom it is');
  if (input.userName === null || input.userId !== null) return { ok: true, input };
  const found = await identifyUser(caller, service, capability, input.userName);
  return found.ok ? { ok: true, input: { ...input, userId: found.userId, userName: null } } : found;
}

/** The policy of the session: support staff's is over within an hour. */
export function toStartPolicy(policy: SessionPolicy, act: SupportActor | null): SessionPolicy {
  if (act === null) return policy;
  const { lifetimeSeconds } = policy;
  return {
    ...policy,
    lifetimeSeconds: Math.min(lifetimeSeconds ?? SUPPORT_SECONDS, SUPPORT_SECONDS),
  };
}

/** The act for the audit log; null: the session is the user's own. */
export async function toImpersonation(
  caller: Caller,
  service: Service,
  home: Home,
  { userId, act, startedBy }: Pick<NewSession, 'userId' | 'act' | 'startedBy'>,
): Promise<Act | null> {
  if (act === null || userId === null) return null;
  return toAct(caller, service, startedBy.grant, {
    type: 'user_impersonated',
    target: { type: 'user', id: userId },
    reason: null,
    facts: { actor: act.sub, why: act.reason },
    outboxHome: home.name,
  });
}

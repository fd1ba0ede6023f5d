/**
 * The column `recoveries`: the recovered answers of a session. A superseded token may be good
 * again, once, because its answer was lost. Without a limit, a thief and a victim who look alike
 * could live on that by turns for ever. So no rotation of a token that a recovery gave can be
 * recovered (two in a row are theft), and no session recovers more than three times in 24 hours
 * (RFC 9700 §4.14.2).
 *
 * One and the same rotation may be recovered again, because the answer that recovered it may have
 * been lost too: a device that lost both holds the superseded token alone, and would be signed out.
 * The second recovery gives no more than the first: the same successor, which nobody has exchanged.
 * Each one counts, so that a device that keeps recovering without ever exchanging the successor is
 * refused at the fourth; and once somebody exchanges it, the superseded token is theft.
 */
import * as v from 'valibot';
import { policyOf, type SessionPolicies } from '../config/session-policy';
import { parseJson } from './parse-json';
import type { Session } from './session';

/** The same token again, its successor again, or its successor in place of a lost answer. */
export type RepeatOutcome = 'kept' | 'repeated' | 'recovered';
/**
 * Whether the outcome takes the place of an answer that was lost. Only a refresh gives that, and
 * only to whoever knows the session's own secret.
 */
export const IS_RECOVERY: Record<RepeatOutcome, boolean> = {
  kept: false,
  repeated: false,
  recovered: true,
};

/** `user_sessions.recoveries`, as JSON. */
const recoveriesSchema = v.object({
  /** The hash of the token that the last recovery gave. */
  given: v.string(),
  /** When, in ms, the answers were recovered, the last one last. */
  at: v.array(v.number()),
});

const MAX_RECOVERIES = 3;
const DAY_MS = 86_400_000;

/**
 * When the rotation that is to be recovered was recovered already, within a grace period, in which
 * retries are the same recovery; null: it was not.
 */
export function findRecovery(
  session: Pick<Session, 'recoveries' | 'refreshToken' | 'clientId'>,
  policies: SessionPolicies,
  now: number,
): number | null {
  const { graceSeconds } = policyOf(policies, session.clientId);
  const recoveries = parseRecoveries(session.recoveries);
  const last = recoveries?.at.at(-1);
  if (last === undefined || recoveries?.given !== session.refreshToken) return null;
  return now - last < graceSeconds * 1000 ? last : null;
}

/**
 * Whether the token with this hash may be recovered, as far as former recoveries go. A recovery
 * that is 24 hours old does not count any more.
 */
export function mayRecover(
  session: Pick<Session, 'recoveries'>,
  presentedHash: string,
  now: number,
): boolean {
  const recoveries = parseRecoveries(session.recoveries);
  if (recoveries === null) return true;
  return recoveries.given !== presentedHash && lately(recoveries.at, now).length < MAX_RECOVERIES;
}

/** The mark of one more recovery, which gives the session's current token. */
export function markRecovery(
  session: Pick<Session, 'recoveries' | 'refreshToken'>,
  now: number,
): string {
  const former = parseRecoveries(session.recoveries)?.at ?? [];
  return JSON.stringify({ given: session.refreshToken, at: [...lately(former, now), now] });
}

const lately = (at: readonly number[], now: number) => at.filter((time) => time > now - DAY_MS);

function parseRecoveries(text: string | null): v.InferOutput<typeof recoveriesSchema> | null {
  const parsed = v.safeParse(recoveriesSchema, parseJson(text));
  return parsed.success ? parsed.output : null;
}

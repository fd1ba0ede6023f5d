/**
 * Starts a session: the user's row on first sight, room under the limit, the session, and the end
 * of the guest session that it replaces, all in one transaction and one round trip.
 */

import { eq, exists, sql } from 'drizzle-orm';
import { type Keyring, randomSecret, sha256 } from '../crypto';
import { type Home, transact } from '../db/d1';
import type { Values } from '../db/prepared';
import { userSessions } from '../db/schema';
import { type Act, recordAct } from '../security-log/audit';
import { type RecordedEvent, reportTo } from '../security-log/record';
import type { ImportedToken } from '../tokens/imported-token';
import {
  insertStart,
  logNewDevice,
  logStart,
  logSupport,
  readOutcome,
  readRefusal,
} from './create-statements';
import { enforceLimit, markDead } from './enforce-limit';
import {
  type Claim,
  drawSecret,
  type Idempotency,
  type RepeatResult,
  readClaim,
  repeat,
  toClaim,
} from './idempotency';
import { forgottenUpTo } from './idempotency-age';
import { limitFor, noLimit, type SessionLimit } from './limits';
import { type NewSession, toRow, toSecond, toValues } from './new-session';
import { toReach } from './reach';
import type { WriteContext } from './rule-context';
import type { Session } from './session';
import { mayBeNewDevice, toStartDetails } from './start-events';
import { adoptRest, upgradeGuest } from './upgrade-guest';

/** The ID token that starts the session, and is used up by it (RFC 7523 §3). */
export interface UsedAssertion {
  hash: string;
  expiresAt: Date;
}

/** `user_moved`: the user has moved to another home since the homes were asked. */
type RefusedReason =
  | 'session_limit_reached'
  | 'guest_session_not_found'
  | 'assertion_used'
  | 'user_not_found'
  | 'user_moved';

export type CreateResult =
  | { ok: true; session: Session; secret: string; events: RecordedEvent[]; isRepeat: boolean }
  | { ok: false; reason: RefusedReason }
  | Extract<RepeatResult, { ok: false }>;

export interface CreateOptions extends WriteContext {
  idempotency?: Idempotency | null;
  assertion?: UsedAssertion | null;
  /**
   * Whether a browser will fetch the session. Then its start is reported when it does
   * (exchange-handoff.ts); a session of support staff is reported at once.
   */
  isHandedOff?: boolean;
  /** The act that is recorded where a session of support staff, or an imported one, begins. */
  act?: Act | null;
  /**
   * The token of another system, in which the session began. Such a session is new to this service
   * alone: it takes no other session's place.
   */
  imported?: ImportedToken | null;
  /** Whether the user's dead sessions have been marked, so that this is the second attempt. */
  isRetry?: boolean;
}

/**
 * Starts a session for a user (or a guest) that the caller has authenticated. One round trip, and
 * more where a limit that was lowered, or a guest's long log, leaves more to do than one
 * transaction should.
 */
export async function createSession(
  home: Home,
  keyring: Keyring,
  input: NewSession,
  options: CreateOptions,
): Promise<CreateResult> {
  if (!input.startedBy.grant.includes(input.clientId))
    throw new Error('the grant does not reach the client of the session');
  const { policy, now, idempotency = null, imported = null } = options;
  const isLimited = input.act === null && imported === null;
  const limit = isLimited ? limitFor(policy, input.clientId) : noLimit(policy);
  const sessionId = imported?.sessionId ?? crypto.randomUUID();
  const claim =
    idempotency && (await toClaim(keyring, idempotency, { salt: randomSecret(), sessionId }));
  const secret =
    imported?.secret ??
    (claim === null ? randomSecret() : await drawSecret(keyring.current, claim));
  const session = toRow(input, { sessionId, refreshToken: await sha256(secret), claim, now });
  const values = { ...toValues(session, now), ...toCondition(input, options, claim) };
  const start = { limit, input, values };

  const { own, events, claims, guestEvents } = await insert(home, start, options);
  const first = claims?.[0];
  if (idempotency !== null && first !== undefined && first.claim.salt !== claim?.salt) {
    const { isBeforeNotBefore } = first;
    const known = first.session && { ...first.session, isBeforeNotBefore };
    const found = { first: first.claim, session: known, now };
    const repeated = await repeat(keyring, policy, idempotency, found);
    return repeated.ok ? { ...repeated, events: [], isRepeat: true } : repeated;
  }
  const [outcome] = own;
  if (outcome === undefined) {
    const reason = await whyRefused(home, start);
    if (reason !== 'crowded') return { ok: false, reason };
    if (options.isRetry) return { ok: false, reason: 'session_limit_reached' };
    await markDead(home, input.userId ?? '', { limit, now });
    return createSession(home, keyring, input, { ...options, isRetry: true });
  }
  await adoptRest(home, values, guestEvents?.length ?? 0);
  const { userId } = input;
  const afterSeq = events.at(-1)?.seq ?? 0;
  const ended =
    userId !== null && outcome.isCrowded === 1
      ? await enforceLimit(home, userId, { limit, reporting: options.reporting, now, afterSeq })
      : [];
  return { ok: true, session, secret, events: [...events, ...ended], isRepeat: false };
}

/** A create, as its statements take it. */
interface Start {
  limit: SessionLimit;
  input: NewSession;
  values: Values;
}

/** The transaction of the create. */
function insert(
  home: Home,
  { limit, input, values }: Start,
  { now, reporting, isHandedOff = false, act = null, imported = null }: CreateOptions,
) {
  const ids = {
    createdId: crypto.randomUUID(),
    newDeviceId: crypto.randomUUID(),
    evictedId: crypto.randomUUID(),
    upgradedId: crypto.randomUUID(),
  };
  const { browser, platform } = input.signals;
  const { by, grant } = input.startedBy;
  const startDetails = toStartDetails({
    by,
    clientId: grant.clientId,
    signals: input.signals,
    act: input.act,
  });
  const all = {
    ...values,
    ...ids,
    startDetails,
    browser,
    platform,
    requestId: reporting.requestId,
  };
  const isSupport = input.act !== null;
  const isStarted = isSupport || !isHandedOff;
  const mayBeNew = isStarted && !isSupport && imported === null && mayBeNewDevice(input);
  const mayEvict = input.userId !== null && limit.evictsOldest;
  const guest = input.guestSessionId === null ? null : upgradeGuest(limit.policies, all);
  const written = [
    ...(isStarted ? [ids.createdId] : []),
    ...(mayBeNew ? [ids.newDeviceId] : []),
    ...(mayEvict ? [ids.evictedId] : []),
    ...(guest === null ? [] : [ids.upgradedId]),
  ];
  const report = reportTo(reporting, { written, now });
  const statements = {
    ...insertStart(limit, all, mayEvict),
    guestLogged: guest?.logged ?? null,
    guestEnded: guest?.ended ?? null,
    guestAdopted: guest?.adopted ?? null,
    guestEvents: guest?.events ?? null,
    startLogged: isStarted ? (isSupport ? logSupport : logStart)(all) : null,
    act: act && recordAct(home, act, isCreated(home, `${values.sessionId}`)),
    newDeviceLogged: mayBeNew ? logNewDevice(all) : null,
    deliveries: report.deliveries,
    events: report.readBack,
    own: readOutcome(limit, all),
    claims: values.salt === null ? null : readClaim(all),
  };
  return transact(home, () => statements);
}

/** SQL: the session of this create is there. */
const isCreated = ({ db }: Home, sessionId: string) =>
  exists(db.select({ one: sql`1` }).from(userSessions).where(eq(userSessions.id, sessionId)));

/** Asks why once more, because a transaction does not say which of its conditions failed. */
async function whyRefused(
  home: Home,
  { limit, input, values }: Start,
): Promise<RefusedReason | 'crowded'> {
  const { guestSessionId, userId, act } = input;
  const query = readRefusal(limit, { ...values, evictedId: null });
  const { answers } = await transact(home, () => ({ answers: query }));
  const [why] = answers;
  if (why?.hasMoved === 1) return 'user_moved';
  if (act !== null && why?.hasUser === 0) return 'user_not_found';
  if (why?.isUsed === 1) return 'assertion_used';
  if (guestSessionId !== null && why?.hasGuest === 0) return 'guest_session_not_found';
  const isKnown = why?.isAtLimit === 1 || userId === null;
  return !isKnown && why?.isCrowded === 1 ? 'crowded' : 'session_limit_reached';
}

/** The values that the condition of the statements looks at, beside those of the row. */
function toCondition(
  { guestSessionId, startedBy }: NewSession,
  { now, assertion = null }: CreateOptions,
  claim: Claim | null,
) {
  return {
    guestSessionId,
    reach: toReach(startedBy.grant),
    assertion: assertion?.hash ?? null,
    assertionEndsAt: assertion && toSecond(assertion.expiresAt.getTime()),
    salt: claim?.salt ?? null,
    fingerprint: claim?.fingerprint ?? null,
    forgottenUpTo: toSecond(forgottenUpTo(now).getTime()),
  };
}

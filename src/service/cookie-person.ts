/**
 * The operations of a person who has a session cookie: the pages for people, and the routes of
 * browsers. The cookie's session was found to be live before (present-cookie.ts).
 */
import type { Home } from '../db/d1';
import { type Answer, answerEvent } from '../sessions/answer-event';
import { type Account, readAccount } from '../sessions/read-account';
import { type DeviceHistory, readDevice } from '../sessions/read-device';
import type { Revocation, RevokeResult } from '../sessions/revocation';
import { revokeCurrent, revokeOne } from '../sessions/revoke';
import { revokeEverywhere, revokeOthers } from '../sessions/revoke-many';
import type { Moved } from '../sessions/session';
import { labelSession } from '../sessions/update-sessions';
import type { CookieCaller } from './caller';
import { toLabelRefused } from './change-sessions';
import { toRevokeRefused } from './end-own-sessions';
import { whereSessionIs } from './follow-session';
import { type Result, SESSION_ENDED } from './refusal';
import { report, revocationOf, ruleContextOf } from './report';
import type { Service } from './service';

/**
 * How much of an account is read at once. `before`: the position from which its activity goes on;
 * null: from the newest event.
 */
export interface AccountPage {
  devices: number;
  activity: { before: number | null; limit: number };
}

/** Reads the person's live sessions, and their latest events. */
export async function readOwnAccount(
  caller: CookieCaller,
  service: Service,
  wanted: AccountPage,
): Promise<Result<{ account: Account }>> {
  const found = await whereCookieIs(caller, service, (home) => {
    const sources = { home, replica: service.replicaOf(home) };
    return readAccount(sources, caller.session, wanted, ruleContextOf(service));
  });
  return found === null ? SESSION_ENDED : { ok: true, account: found.result };
}

/** Reads one of the person's sessions, live or over, and its events before a position. */
export async function readOwnDevice(
  caller: CookieCaller,
  service: Service,
  wanted: { sessionId: string; before: number | null },
): Promise<Result<{ history: DeviceHistory }>> {
  const found = await whereCookieIs(caller, service, (home) => {
    const sources = { home, replica: service.replicaOf(home) };
    return readDevice(sources, caller.session, wanted, ruleContextOf(service));
  });
  return found === null ? SESSION_ENDED : { ok: true, history: found.result };
}

/** Names one of the person's sessions; null takes its name away. */
export async function renameByCookie(
  caller: CookieCaller,
  service: Service,
  sessionId: string,
  label: string | null,
): Promise<Result<object>> {
  const at = ruleContextOf(service);
  const labelled = await whereCookieIs(caller, service, (home) =>
    labelSession(home, personOf(caller), { sessionId, label }, at),
  );
  if (labelled === null) return SESSION_ENDED;
  return labelled.result.ok ? { ok: true } : toLabelRefused(labelled.result);
}

/** Ends the cookie's own session. */
export async function endCookieSession(caller: CookieCaller, service: Service): Promise<void> {
  const ended = await whereCookieIs(caller, service, (home) =>
    revokeCurrent(home, personOf(caller), revocationOf(caller, service)),
  );
  if (ended !== null) report(caller, ended.home, ended.result);
}

/** Ends one of the person's sessions. */
export function endOneByCookie(
  caller: CookieCaller,
  service: Service,
  sessionId: string,
): Promise<Result<object>> {
  return end(caller, service, (home, revocation) =>
    revokeOne(home, personOf(caller), sessionId, revocation),
  );
}

/** Keeps the person's answer to an unusual event; "no" ends the session of the event. */
export function answerByCookie(
  caller: CookieCaller,
  service: Service,
  input: { eventId: string; answer: Answer },
): Promise<Result<object>> {
  return end(caller, service, (home, revocation) =>
    answerEvent(home, personOf(caller), input, revocation),
  );
}

/** Ends all of the person's sessions but the cookie's own. */
export function endOthersByCookie(caller: CookieCaller, service: Service): Promise<Result<object>> {
  return end(caller, service, (home, revocation) =>
    revokeOthers(home, personOf(caller), revocation),
  );
}

/** Ends all of the person's sessions, the cookie's own last. */
export function endAllByCookie(caller: CookieCaller, service: Service): Promise<Result<object>> {
  return end(caller, service, (home, revocation) =>
    revokeEverywhere(home, personOf(caller), revocation),
  );
}

const personOf = ({ session: { id, userId, authTime } }: CookieCaller) => ({
  sessionId: id,
  userId,
  authTime,
});

async function end(
  caller: CookieCaller,
  service: Service,
  run: (home: Home, revocation: Revocation) => Promise<RevokeResult | Moved>,
): Promise<Result<object>> {
  const revocation = revocationOf(caller, service);
  const ended = await whereCookieIs(caller, service, (home) => run(home, revocation));
  if (ended === null) return SESSION_ENDED;
  const { home, result } = ended;
  if (!result.ok) return toRevokeRefused(result, service);
  report(caller, home, result.events);
  return { ok: true };
}

/** Runs a rule where the cookie's session is: it may have left since it was found. */
function whereCookieIs<T>(
  caller: CookieCaller,
  service: Service,
  run: (home: Home) => Promise<T | Moved>,
): Promise<{ home: Home; result: T } | null> {
  const { home, session } = caller;
  return whereSessionIs(caller, service, { home, sessionId: session.id }, run);
}

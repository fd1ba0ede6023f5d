/**
 * What a person sees and ends by the cookie of a browser: the pages for people, and the routes of
 * browsers. The cookie's session was found to be live before (present-cookie.ts).
 */
import { type Account, readAccount } from '../sessions/read-account';
import type { RevokeResult } from '../sessions/revocation';
import { revokeCurrent, revokeOne } from '../sessions/revoke';
import { revokeEverywhere, revokeOthers } from '../sessions/revoke-many';
import type { CookieCaller } from './caller';
import { toRevokeRefused } from './end-own-sessions';
import type { Result } from './refusal';
import { report, revocationOf } from './report';
import type { Service } from './service';

/**
 * How much of an account is read at once. `before`: where its activity goes on; null: the newest.
 */
export interface AccountPage {
  devices: number;
  activity: { before: number | null; limit: number };
}

/** The person's live sessions, and what happened to them lately. */
export function readOwnAccount(
  { home, session }: CookieCaller,
  service: Service,
  wanted: AccountPage,
): Promise<Account> {
  const copies = { home, replica: service.replicaOf(home) };
  return readAccount(copies, service.config.sessions, session, wanted, service.now());
}

/** Ends the cookie's own session. */
export async function endCookieSession(caller: CookieCaller, service: Service): Promise<void> {
  const { home, session } = caller;
  const own = { sessionId: session.id, userId: session.userId };
  report(caller, home, await revokeCurrent(home, own, revocationOf(caller, service)));
}

/** Ends one of the person's sessions. */
export function endOneByCookie(
  caller: CookieCaller,
  service: Service,
  sessionId: string,
): Promise<Result<object>> {
  const { home } = caller;
  const revocation = revocationOf(caller, service);
  return told(caller, service, revokeOne(home, personOf(caller), sessionId, revocation));
}

/** Ends all of the person's sessions but the cookie's own. */
export function endOthersByCookie(caller: CookieCaller, service: Service): Promise<Result<object>> {
  const revocation = revocationOf(caller, service);
  return told(caller, service, revokeOthers(caller.home, personOf(caller), revocation));
}

/** Ends all of the person's sessions, the cookie's own last. */
export function endAllByCookie(caller: CookieCaller, service: Service): Promise<Result<object>> {
  const revocation = revocationOf(caller, service);
  return told(caller, service, revokeEverywhere(caller.home, personOf(caller), revocation));
}

const personOf = ({ session: { id, userId, authTime } }: CookieCaller) => ({
  sessionId: id,
  userId,
  authTime,
});

async function told(
  caller: CookieCaller,
  service: Service,
  ending: Promise<RevokeResult>,
): Promise<Result<object>> {
  const result = await ending;
  if (!result.ok) return toRevokeRefused(result, service);
  report(caller, caller.home, result.events);
  return { ok: true };
}

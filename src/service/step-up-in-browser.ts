/**
 * Step-up of a session whose refresh token is in a cookie of this service, which no backend on
 * another host sees. The backend is given a start URL instead; the browser that goes there shows
 * the cookie itself, and its session is raised. To any other browser the URL is of no use.
 */

import { findWithEnd } from '../sessions/read';
import type { Session } from '../sessions/session';
import { toAuthTime } from './auth-time';
import { authorize } from './authorize';
import type { Caller, ClientCaller } from './caller';
import { visitorOf } from './caller-signals';
import { whereverItIs } from './follow-session';
import { type HandOff, handOffKnown } from './hand-off';
import type { Tokens } from './issue-tokens';
import { presentCookie, type VerifiedCookie } from './present-cookie';
import { type Result, refuse, UNKNOWN_SESSION } from './refusal';
import type { Service } from './service';
import { type BrowserHandoff, INVALID_CODE } from './start-in-browser';
import { raise, type StepUpInput } from './step-up-session';
import { throttleClient } from './throttle';

/** The backend's half: nothing changes until the browser has come. */
export async function handOffStepUp(
  caller: ClientCaller,
  service: Service,
  {
    sessionId,
    returnUrl,
    amr,
    acr,
    ...input
  }: Omit<StepUpInput, 'refreshToken'> & {
    returnUrl: string;
  },
): Promise<Result<{ session: Session; handOff: HandOff }>> {
  const authorized = authorize(caller.client, 'create_sessions');
  if (!authorized.ok) return authorized;
  const { grant } = authorized;
  const now = service.now();
  const timed = toAuthTime(input.authTime, now);
  if (!timed.ok) return timed;
  const throttled = await throttleClient(caller, service, sessionId);
  if (throttled !== null) return throttled;
  const found = await whereverItIs(caller, service, sessionId, (place) =>
    findWithEnd(place, sessionId, { policy: service.config.sessions, now }),
  );
  // A session of a client that the backend does not act for is unknown to the backend.
  if (found === null || !grant.includes(found.result.session.clientId)) return UNKNOWN_SESSION;
  const { home } = found;
  const { session, ended } = found.result;
  if (ended !== null) return refuse({ code: 'session_over', reason: ended });
  if (session.act !== null) return refuse({ code: 'actor_not_allowed' });
  const authentication = { authTime: timed.authTime.getTime() / 1000, amr, acr };
  const clientId = session.clientId ?? '';
  const to = { clientId, returnUrl, startedBy: grant.clientId, authentication };
  return handOffKnown(service, home, { session, secret: '' }, to);
}

/** The browser's half, with the cookie of the very session that the code is for. */
export async function stepUpInBrowser(
  caller: Caller,
  service: Service,
  { startedBy = '', authentication }: BrowserHandoff,
  cookie: VerifiedCookie,
): Promise<Result<{ tokens: Tokens }>> {
  const backend = service.config.clients.get(startedBy);
  const authorized = backend && authorize(backend, 'create_sessions');
  if (!authorized?.ok || authentication === undefined) return INVALID_CODE;
  // The cookie is weighed as a refresh by this browser would be.
  const visitor = await visitorOf(caller.device, service);
  const presented = await presentCookie(caller, service, cookie, visitor);
  if (!presented.ok) return presented;
  const authTime = new Date(authentication.authTime * 1000);
  const { grant } = authorized;
  const { token } = cookie;
  return raise(caller, service, { grant, token, authentication: { ...authentication, authTime } });
}

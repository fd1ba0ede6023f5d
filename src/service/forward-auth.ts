/**
 * Forward authentication: a gateway (nginx `auth_request` and its like) asks about each request
 * before it passes it on. The session is looked up each time, so a sign-out counts at once, and
 * nothing is rotated, so any number of requests may be asked about side by side. One round trip, no
 * write unless there is something to report.
 */

import { may } from '../config/authority';
import type { Client } from '../config/clients';
import { findBrowserClient } from '../config/refused-clients';
import { parseActor } from '../sessions/actor';
import { findLiveSession } from '../sessions/read';
import { isStale, type Session } from '../sessions/session';
import { callerEnded, whyNotAdmitted } from './admit-user';
import { authorize } from './authorize';
import type { ClientCaller, UserCaller } from './caller';
import { type Description, deviceOf, visitorOf, whyNotDescribed } from './caller-signals';
import { whereCallerIs } from './follow-session';
import { homeOf } from './home-of-token';
import { issueTokens } from './issue-tokens';
import { presentAt, verifySessionCookie } from './present-cookie';
import { type Result, refuse, SESSION_ENDED, STALE_TOKEN } from './refusal';
import { ruleContextOf } from './report';
import type { Service } from './service';

/** The person whose request it is. */
export interface VerifiedRequest {
  /** null: a guest. */
  userId: string | null;
  sessionId: string;
  clientId: string;
  /** Support staff who act as the user; null: the user acts. */
  actor: string | null;
  /** A fresh access token, where it was asked for. */
  accessToken: string | null;
}

/** The content of a browser's session cookie. */
export interface ForwardedCookie {
  clientId: string;
  refreshToken: string;
  /** The visitor, as the gateway describes them. */
  visitor: Description;
  /** Whether the answer is to have an access token for what is behind the gateway. */
  wantsAccessToken: boolean;
}

/**
 * Verifies a request by its access token. A gateway that has proved who it is asks for each file of
 * a page, so that no brake fits it.
 */
export async function verifyBearerRequest(
  caller: UserCaller,
  service: Service,
  gateway: Client | null,
): Promise<Result<{ verified: VerifiedRequest }>> {
  const { accessToken } = caller;
  const { sessionId, clientId } = accessToken;
  if (gateway === null) {
    const refused = await whyNotAdmitted(caller, service);
    if (refused !== null) return refused;
  } else {
    const authorized = authorize(gateway, 'verify_cookies');
    if (!authorized.ok) return authorized;
  }
  if (service.endedSessions.has(sessionId)) return SESSION_ENDED;
  const found = await whereCallerIs(caller, service, (home) =>
    findLiveSession(home, sessionId, ruleContextOf(service)),
  );
  if (found === null) return SESSION_ENDED;
  const { result: session } = found;
  if (session === null) return callerEnded(caller, service);
  if (isStale(session, accessToken.issuedAt)) return STALE_TOKEN;
  const { userId } = session;
  const actor = actorOf(session);
  return { ok: true, verified: { userId, sessionId, clientId, actor, accessToken: null } };
}

const actorOf = ({ act }: Pick<Session, 'act'>) => parseActor(act)?.sub ?? null;

/** Verifies a request by its session cookie, for a client that the gateway acts for. */
export async function verifyCookieRequest(
  caller: ClientCaller,
  service: Service,
  cookie: ForwardedCookie,
): Promise<Result<{ verified: VerifiedRequest }>> {
  const { clientId, wantsAccessToken } = cookie;
  const { config } = service;
  const authorized = authorize(caller.client, 'verify_cookies');
  if (!authorized.ok) return authorized;
  // All apps of a browser share one cookie. Where the cookie is another client's, the browser has
  // no session for this one.
  if (!authorized.grant.includes(clientId) || findBrowserClient(config, clientId) === null)
    return SESSION_ENDED;
  if (wantsAccessToken && !may(caller.client, 'browser_tokens', clientId))
    return refuse({
      code: 'client_not_allowed',
      detail: 'An access token is for a client that is allowed browser_tokens',
    });
  const undescribed = whyNotDescribed(cookie.visitor, clientId, service);
  if (undescribed !== null) return undescribed;
  const verified = await verifySessionCookie(cookie, service);
  if (verified === null) return SESSION_ENDED;
  if (verified.isExpired) return refuse({ code: 'session_ended', reason: 'expired_absolute' });
  const { token } = verified;
  const home = homeOf(caller, service, token.home);
  if (home === null) return SESSION_ENDED;
  const signer = wantsAccessToken ? await service.signerFor(home) : null;
  const visitor = await visitorOf(deviceOf(cookie.visitor), service);
  const presented = await presentAt(caller, service, home, { token, clientId, visitor });
  if (!presented.ok) return presented;
  const { session } = presented;
  const tokens = signer && (await issueTokens(service, signer, presented));
  return {
    ok: true,
    verified: {
      userId: session.userId,
      sessionId: session.id,
      clientId,
      actor: actorOf(session),
      accessToken: tokens?.accessToken ?? null,
    },
  };
}

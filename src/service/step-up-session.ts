/** Step-up: a backend has authenticated the person behind a live session anew (RFC 9470). */

import {
  type AuthenticateResult,
  authenticateSession,
  type StepUp,
} from '../sessions/authenticate';
import type { EndReason } from '../sessions/end-reason';
import { NOBODY } from '../sessions/presented';
import type { Session } from '../sessions/session';
import { type VerifiedRefreshToken, verifyRefreshToken } from '../tokens/refresh-token';
import { toAuthTime } from './auth-time';
import { authorize } from './authorize';
import type { Caller, ClientCaller } from './caller';
import { whereSessionIs } from './follow-session';
import { homeOf } from './home-of-token';
import { issueTokens, type Tokens } from './issue-tokens';
import { present } from './present';
import { invalid, type Refused, type Result, refuse, UNKNOWN_SESSION } from './refusal';
import { report, writeContextOf } from './report';
import type { Service } from './service';
import { throttleClient } from './throttle';

export interface StepUpInput {
  sessionId: string;
  /** The app's current refresh token, because only with it can the session move on. */
  refreshToken: string;
  /** Seconds since 1970; null: now. */
  authTime: number | null;
  amr: string[] | null;
  acr: string | null;
}

export async function stepUp(
  caller: ClientCaller,
  service: Service,
  { sessionId, refreshToken, amr, acr, ...input }: StepUpInput,
): Promise<Result<{ session: Session; tokens: Tokens }>> {
  const authorized = authorize(caller.client, 'create_sessions');
  if (!authorized.ok) return authorized;
  const now = service.now();
  const authTime = toAuthTime(input.authTime, now);
  if (!authTime.ok) return authTime;
  const verdict = await verifyRefreshToken(await service.keyring(), refreshToken, now);
  // The answer is the same for a token that is not authentic, and one of another session.
  if (!verdict.ok || verdict.token.sessionId !== sessionId) return UNKNOWN_SESSION;
  const throttled = await throttleClient(caller, service, verdict.token);
  if (throttled !== null) return throttled;
  const authentication = { authTime: authTime.authTime, amr, acr };
  const { grant } = authorized;
  return raise(caller, service, { grant, token: verdict.token, authentication });
}

/** Moves the session of an authentic refresh token on to this authentication. */
export async function raise(
  caller: Caller,
  service: Service,
  stepUp: StepUp & { token: VerifiedRefreshToken },
): Promise<Result<{ session: Session; tokens: Tokens }>> {
  const { token } = stepUp;
  const { sessionId } = token;
  const home = homeOf(caller, service, token.home);
  if (home === null) return UNKNOWN_SESSION;
  const signer = await service.signerFor(home);
  const { keyring } = signer;
  const context = writeContextOf(caller, service);
  const authenticated = await whereSessionIs(caller, service, { home, sessionId }, (place) =>
    authenticateSession(place, keyring, stepUp, context),
  );
  if (authenticated === null) return UNKNOWN_SESSION;
  const { home: at, result } = authenticated;
  if (!result.ok) {
    const presentation = { token, clientId: null, visitor: NOBODY };
    // Reuse that a refresh would take for theft is reported here too.
    if (result.reason === 'superseded') await present(caller, service, at, presentation);
    return toRefused(result);
  }
  report(caller, at, result.events);
  const { session, secret } = result;
  return {
    ok: true,
    session,
    tokens: await issueTokens(service, signer, { home: at, session, secret }),
  };
}

function toRefused({ reason }: Extract<AuthenticateResult, { ok: false }>): Refused {
  switch (reason) {
    case 'unknown_session':
      return UNKNOWN_SESSION;
    case 'actor_not_allowed':
      return refuse({ code: reason });
    case 'superseded':
      return refuse({ code: 'refresh_token_superseded' });
    case 'older_authentication':
      return invalid('auth_time is before the last authentication that is known');
    default:
      return refuse({ code: 'session_over', reason: reason satisfies EndReason });
  }
}

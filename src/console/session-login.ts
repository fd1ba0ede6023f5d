/**
 * The login of operators who have a session of the service in the browser's cookies. Nothing is
 * rotated: the service gives an access token for the cookie, if the session is live at this moment,
 * and the package's verifier says whose it is and how long ago they proved it.
 */

import type { RefusalCode } from '../client/rpc';
import {
  ACCOUNTS,
  CURRENT_COOKIE,
  ofAccount,
  SESSION_COOKIE,
} from '../client/verify/account-cookies';
import { cookiesNamed } from '../client/verify/cookie-header';
import type { AccessTokenVerifier } from '../client/verify/verifier';
import type { ConsoleEnv } from './console-env';
import type { SessionSettings } from './console-settings';
import { type Login, reject } from './operator';

/**
 * The cookies of the service's sessions, and the one that says which account is current. The
 * service is sent no other cookie.
 */
const COOKIES = [CURRENT_COOKIE, ...ACCOUNTS.map((index) => ofAccount(SESSION_COOKIE, index))];

interface Verification extends Pick<ConsoleEnv, 'SESSIONS'> {
  verifier: AccessTokenVerifier;
  lookMaxAgeSeconds: number;
}

export async function loginBySession(
  { operators, acr }: SessionSettings,
  request: Request,
  { lookMaxAgeSeconds, verifier, SESSIONS }: Verification,
): Promise<Login> {
  const { headers } = request;
  const cookies = COOKIES.flatMap((name) =>
    cookiesNamed(headers.get('cookie'), name).map((value) => `${name}=${value}`),
  );
  if (cookies.length === 0) return reject('not_signed_in');
  const exchanged = await SESSIONS.exchangeCookie({
    cookie: cookies.join('; '),
    user_agent: headers.get('user-agent'),
    ip_address: headers.get('cf-connecting-ip'),
    place: request.cf,
  });
  if (!exchanged.ok) return reject(whyNotExchanged(exchanged.code));
  const { access_token: token } = exchanged.value;
  // Support staff first: whoever the session is of, it is not them who sit there.
  const verdict = await verifier.verify(token, { actor: false });
  if (!verdict.ok) return reject(toWhy(verdict.error));
  const { claims } = verdict;
  // `sub` may be what an issuer calls the person, which is the id of nobody, or of somebody else.
  const { uid: userId = claims.sub } = claims;
  if (claims.guest || !operators.has(userId)) return reject('not_an_operator');
  const fresh = await verifier.verify(token, {
    maxAge: lookMaxAgeSeconds,
    ...(acr.length > 0 && { acr }),
  });
  if (!fresh.ok) return reject(toWhy(fresh.error));
  const operator = {
    name: userId,
    login: `session:${claims.sid}`,
    provedAt: claims.auth_time ?? 0,
  };
  return { ok: true, operator };
}

function whyNotExchanged(code: RefusalCode) {
  switch (code) {
    case 'session_ended':
    case 'ambiguous_cookie':
    case 'invalid_request':
      return 'not_signed_in';
    case 'client_not_allowed':
      return 'not_an_operator';
    // The service brakes, is at fault or set up wrong, or newer than the console: nobody is helped
    // by another sign-in.
    default:
      return 'unavailable';
  }
}

type VerifierError = Exclude<
  Awaited<ReturnType<AccessTokenVerifier['verify']>>,
  { ok: true }
>['error'];

function toWhy(error: VerifierError) {
  switch (error) {
    case 'insufficient_user_authentication':
      return 'stale';
    case 'insufficient_scope':
      return 'support_staff';
    case 'unavailable':
      return 'unavailable';
    case 'invalid_token':
      return 'not_signed_in';
  }
}

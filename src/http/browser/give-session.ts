/** Routes that give a browser the cookies of a session, and its page the session. */

import { toGrantParameters } from '../../calls/fields';
import { toLifetimeView, toSessionView } from '../../calls/views';
import type { Client } from '../../config/clients';
import { findBrowserClient, findClient } from '../../config/refused-clients';
import { toIso } from '../../iso-time';
import type { Tokens } from '../../service/issue-tokens';
import { refresh } from '../../service/refresh-session';
import type { Service } from '../../service/service';
import { signInBeside } from '../../service/sign-in-beside';
import type { GrantParameters } from '../../service/token-grant';
import type { Session } from '../../sessions/session';
import type { AppContext } from '../context';
import { ProblemError } from '../errors';
import { readIdempotencyKey, readJson, readOptionalJson } from '../input';
import { cookieSessionEnded, toCookieProblem } from '../refusals';
import { refreshSchema, signInSchema, switchSchema } from './browser-inputs';
import { verifyHeld } from './cookie-session';
import {
  assertOneSession,
  currentOf,
  readSessionCookie,
  setCurrent,
  setSessionCookies,
} from './cookies';
import { assertMayHold, toHeldToken } from './held-token';
import { isOthers } from './same-site';

export function refreshByCookie(service: Service) {
  return async function answerRefresh(c: AppContext): Promise<Response> {
    const input = await readOptionalJson(c, refreshSchema);
    return refreshAccount(c, service, currentOf(c), toGrantParameters(input));
  };
}

/** The account becomes current by being refreshed, so that one whose session is over does not. */
export function switchAccount(service: Service) {
  return async function answerSwitch(c: AppContext): Promise<Response> {
    const { input } = await readJson(c, switchSchema);
    return refreshAccount(c, service, input.index, toGrantParameters(input));
  };
}

async function refreshAccount(
  c: AppContext,
  service: Service,
  index: number,
  grantParameters: GrantParameters,
): Promise<Response> {
  const { config } = service;
  assertOneSession(c, index);
  const cookie = readSessionCookie(c, index);
  if (cookie === null || isOthers(c, config, cookie.clientId)) throw cookieSessionEnded(null);
  const { clientId, refreshToken } = cookie;
  const client = findBrowserClient(config, clientId);
  if (client === null) throw cookieSessionEnded(null);
  assertMayHold(c, client);
  const { resource, scope } = grantParameters;
  if ((resource ?? scope) !== null && client.accessTokenIn === 'cookie')
    throw new ProblemError(
      'invalid_request',
      'resource and scope are for pages that hold access tokens',
    );
  const request = { refreshToken, clientId, grantParameters };
  const result = await refresh(c.get('caller'), service, request);
  if (!result.ok) throw toCookieProblem(result.refusal);
  setSessionCookies(c, client, result.tokens, index);
  setCurrent(c, index);
  c.set('outcome', result.outcome);
  return c.json({ ...toGiven(service, client, result), ...toLifetimeView(result.tokens) });
}

/**
 * Signs in by an ID token that the page had from a trusted issuer. The nonce ties it to this
 * browser's own sign-in.
 */
export function signInByPage(service: Service) {
  const { config } = service;
  return async function answerSignIn(c: AppContext): Promise<Response> {
    const { input } = await readJson(c, signInSchema);
    const client = findClient(config, input.client_id);
    const origin = c.req.header('origin');
    if (client === undefined || origin === undefined || !client.origins.includes(origin))
      throw new ProblemError(
        'cross_site_request',
        'The origin of the request is not one of the client',
      );
    const { id_token: assertion, nonce, persistent = null } = input;
    const idempotencyKey = readIdempotencyKey(c);
    const identity = {
      assertion,
      nonce,
      client,
      grantParameters: toGrantParameters(input),
      persistent,
      idempotencyKey,
    };
    const held = await verifyHeld(c, service);
    const result = await signInBeside(c.get('caller'), service, identity, held);
    if (!result.ok) throw toCookieProblem(result.refusal);
    setSessionCookies(c, client, result.tokens, result.index);
    setCurrent(c, result.index);
    c.set('outcome', result.isRepeat ? 'repeated' : 'signed_in');
    return c.json(toGiven(service, client, result), 201);
  };
}

function toGiven(
  { config }: Service,
  client: Client,
  { session, tokens }: { session: Session; tokens: Tokens },
) {
  return {
    session: toSessionView(session, config, session.id),
    ...toHeldToken(client, tokens),
    claims: tokens.claims,
    expires_in: tokens.expiresIn,
    refresh_at: toIso(tokens.refreshAt),
  };
}

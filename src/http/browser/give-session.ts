/** Routes that give a browser the cookies of a session, and show its page whose it is. */

import { toAsked } from '../../calls/fields';
import { toLifetimeView, toSessionView } from '../../calls/views';
import type { Client } from '../../config/clients';
import { findBrowserClient, findClient } from '../../config/refused-clients';
import { toIso } from '../../iso-time';
import type { Tokens } from '../../service/issue-tokens';
import { refresh } from '../../service/refresh-session';
import type { Service } from '../../service/service';
import { signInReplacing } from '../../service/sign-in-replacing';
import type { Session } from '../../sessions/session';
import type { AppContext } from '../context';
import { ProblemError } from '../errors';
import { readIdempotencyKey, readJson, readOptionalJson } from '../input';
import { cookieSessionEnded, toCookieProblem } from '../refusals';
import { refreshSchema, signInSchema } from './browser-inputs';
import { assertOneSession, readSessionCookie, setSessionCookies } from './cookies';
import { assertMayHold, toHeldToken } from './held-token';

export function refreshByCookie(service: Service) {
  const { config } = service;
  return async function answerRefresh(c: AppContext): Promise<Response> {
    const asked = toAsked(await readOptionalJson(c, refreshSchema));
    assertOneSession(c);
    const cookie = readSessionCookie(c);
    if (c.get('isOtherApps') || cookie === null) throw cookieSessionEnded(null);
    const { clientId, refreshToken } = cookie;
    const client = findBrowserClient(config, clientId);
    if (client === null) throw cookieSessionEnded(null);
    assertMayHold(c, client);
    if ((asked.resource ?? asked.scope) !== null && client.accessTokenIn === 'cookie')
      throw new ProblemError(
        'invalid_request',
        'resource and scope are for pages that hold access tokens',
      );
    const presentation = { presented: refreshToken, clientId, asked };
    const result = await refresh(c.get('caller'), service, presentation);
    if (!result.ok) throw toCookieProblem(result.refusal);
    setSessionCookies(c, client, result.tokens);
    c.set('outcome', result.outcome);
    return c.json({ ...toGiven(service, client, result), ...toLifetimeView(result.tokens) });
  };
}

/**
 * By an ID token that the page had from a trusted issuer. The nonce ties it to this browser's own
 * sign-in.
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
      asked: toAsked(input),
      persistent,
      idempotencyKey,
    };
    const former = readSessionCookie(c);
    const result = await signInReplacing(c.get('caller'), service, identity, former);
    if (!result.ok) throw toCookieProblem(result.refusal);
    setSessionCookies(c, client, result.tokens);
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

/**
 * Sessions in browsers: HttpOnly cookies, so that no script reads a token (RFC 6265bis; OAuth for
 * browser-based apps). An answer sets cookies when it gives a session and clears them when it ends
 * one; a refusal touches none, because it may arrive after another tab's success.
 */
import { Hono } from 'hono';
import { exchangeCookie } from '../../calls/token-calls';
import { toLifetimeView, toSessionView } from '../../calls/views';
import { toIso } from '../../iso-time';
import { toRevokeRefused } from '../../service/end-own-sessions';
import { endByClient, hasEnded } from '../../service/end-session';
import { verifyAccountToken } from '../../service/own-access-token';
import { endPresented } from '../../service/present';
import { refresh } from '../../service/refresh-session';
import { report, revocationOf } from '../../service/report';
import type { Service } from '../../service/service';
import { signIn } from '../../service/sign-in';
import { visitorOf } from '../../service/signals';
import { throttleSignOut } from '../../service/throttle';
import { revokeEverywhere } from '../../sessions/revoke-many';
import { answer } from '../answer';
import { clientAuth } from '../auth/client-auth';
import { clientCallerOf } from '../caller';
import type { AppContext, AppEnv } from '../context';
import { ProblemError } from '../errors';
import { readJson, readNothing, readOptionalJson, readOptionalMembersOf } from '../input';
import { cookieSessionEnded, toCookieProblem } from '../refusals';
import { refreshSchema, signInSchema } from './browser-inputs';
import { findOwnSession, verifyCookie } from './cookie-session';
import {
  assertOneSession,
  clearSessionCookies,
  readAccessCookie,
  readSessionCookie,
  setSessionCookies,
} from './cookies';
import { assertMayHold, toHeldToken } from './held-token';
import { mayUse, preflight, sameSite } from './same-site';

export function browserRoutes(service: Service): Hono<AppEnv> {
  const { config } = service;
  const routes = new Hono<AppEnv>();
  const ownApp = sameSite(config);

  routes.use(async function vary(c, next) {
    await next();
    c.res.headers.append('Vary', 'Origin, Sec-Fetch-Site, Cookie');
  });

  routes.post('/refresh', ownApp, async (c) => {
    const { resource = null } = await readOptionalJson(c, refreshSchema);
    assertOneSession(c);
    const cookie = readSessionCookie(c);
    if (c.get('isOtherApps') || cookie === null) throw cookieSessionEnded(null);
    const { clientId, refreshToken } = cookie;
    const client = config.clients.get(clientId);
    if (client === undefined) throw cookieSessionEnded(null);
    assertMayHold(c, client);
    if (resource !== null && client.accessTokenIn === 'cookie')
      throw new ProblemError('invalid_request', 'resource is for pages that hold access tokens');
    const presentation = { presented: refreshToken, clientId, resource };
    const result = await refresh(c.get('caller'), service, presentation);
    if (!result.ok) throw toCookieProblem(result.refusal);
    const { tokens } = result;
    setSessionCookies(c, client, tokens);
    c.set('outcome', result.outcome);
    const session = toSessionView(result.session, config, result.session.id);
    return c.json({
      session,
      ...toHeldToken(client, tokens),
      claims: tokens.claims,
      expires_in: tokens.expiresIn,
      refresh_at: toIso(tokens.refreshAt),
      ...toLifetimeView(tokens),
    });
  });

  /**
   * By an ID token that the page had from a trusted issuer. The nonce ties it to this browser's own
   * sign-in.
   */
  routes.post('/sign-in', ownApp, async (c) => {
    const { input } = await readJson(c, signInSchema);
    const client = config.clients.get(input.client_id);
    const origin = c.req.header('origin');
    if (client === undefined || origin === undefined || !client.origins.includes(origin))
      throw new ProblemError(
        'cross_site_request',
        'The origin of the request is not one of the client',
      );
    const former = await verifyCookie(c, service);
    const { id_token: assertion, nonce } = input;
    const result = await signIn(c.get('caller'), service, {
      assertion,
      nonce,
      client,
      resource: null,
    });
    if (!result.ok) throw toCookieProblem(result.refusal);
    const replaced = former && service.findHome(former.token.home, c.get('caller').meter);
    if (former !== null && replaced !== null) {
      const visitor = await visitorOf(c.get('caller').device, service);
      await endPresented(c.get('caller'), service, replaced, { ...former, visitor });
    }
    const { tokens } = result;
    setSessionCookies(c, client, tokens);
    c.set('outcome', 'signed_in');
    return c.json(
      {
        session: toSessionView(result.session, config, result.session.id),
        ...toHeldToken(client, tokens),
        claims: tokens.claims,
        expires_in: tokens.expiresIn,
        refresh_at: toIso(tokens.refreshAt),
      },
      201,
    );
  });

  routes.get('/session', ownApp, async (c) => {
    const { session } = await findOwnSession(c, service);
    return c.json({ session: toSessionView(session, config, session.id) });
  });

  routes.post('/sign-out', ownApp, async (c) => {
    await readNothing(c);
    const named = await findNamedSession(c);
    const origin = c.req.header('origin');
    if (named !== null && origin !== undefined && !mayUse(config, named.clientId, origin)) {
      c.set('outcome', 'unchanged');
      return c.body(null, 204);
    }
    const events = named === null ? [] : await endNamedSession(c, named);
    const isEnded = hasEnded(events);
    if (isEnded && named !== null) c.set('sessionClientId', named.clientId);
    c.set('outcome', isEnded ? 'signed_out' : 'unchanged');
    clearSessionCookies(c);
    return c.body(null, 204);
  });

  routes.post('/sign-out-everywhere', ownApp, async (c) => {
    await readNothing(c);
    const { session, home } = await findOwnSession(c, service);
    const caller = { sessionId: session.id, userId: session.userId, authTime: session.authTime };
    const result = await revokeEverywhere(home, caller, revocationOf(c.get('caller'), service));
    if (!result.ok) throw toCookieProblem(toRevokeRefused(result, service).refusal);
    report(c.get('caller'), home, result.events);
    c.set('outcome', 'signed_out');
    clearSessionCookies(c);
    return c.body(null, 204);
  });

  /**
   * For the app's own server, which has the browser's cookies in its hands but cannot hand new ones
   * back.
   */
  routes.post(
    '/token',
    async function refuseBrowsers(c, next) {
      if (c.req.header('sec-fetch-site') !== undefined || c.req.header('origin') !== undefined)
        throw new ProblemError(
          'cross_site_request',
          'This is for servers; no browser may ask here',
        );
      await next();
    },
    clientAuth(service),
    async (c) => {
      const input = await readOptionalMembersOf(c, { cookie: c.req.header('cookie') ?? '' });
      const called = await exchangeCookie(clientCallerOf(c), service, input);
      return c.json(answer(c, called, toCookieProblem));
    },
  );

  for (const path of ['/refresh', '/sign-in', '/sign-out', '/sign-out-everywhere'])
    routes.options(path, preflight(config, 'POST'));
  routes.options('/session', preflight(config, 'GET'));
  return routes;

  /**
   * The session that either cookie names: for ending it, one of them is proof enough (RFC 7009
   * §2.1). Where two have the name of one, it is the other's.
   */
  async function findNamedSession(c: AppContext) {
    const meter = c.get('caller').meter;
    const cookie = await verifyCookie(c, service);
    if (cookie !== null) {
      const home = service.findHome(cookie.token.home, meter);
      return home && { home, clientId: cookie.clientId, token: cookie.token };
    }
    const accessToken = readAccessCookie(c);
    if (accessToken === null) return null;
    const verdict = await verifyAccountToken(c.get('caller'), service, accessToken);
    const home = verdict.ok ? service.findHome(verdict.token.home, meter) : null;
    if (!verdict.ok || home === null) return null;
    const { sessionId, clientId } = verdict.token;
    return { home, clientId, sessionId, token: null };
  }

  async function endNamedSession(
    c: AppContext,
    named: NonNullable<Awaited<ReturnType<typeof findNamedSession>>>,
  ) {
    const caller = c.get('caller');
    const throttled = await throttleSignOut(service, named.clientId, named.token ?? named);
    if (throttled !== null) throw toCookieProblem(throttled.refusal);
    if (named.token === null) return endByClient(caller, service, named.home, named);
    const visitor = await visitorOf(caller.device, service);
    return endPresented(caller, service, named.home, { ...named, visitor });
  }
}

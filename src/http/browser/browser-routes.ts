/**
 * Sessions in browsers: HttpOnly cookies, so that no script reads a token (RFC 6265bis; OAuth for
 * browser-based apps). An answer sets cookies when it gives a session and clears them when it ends
 * one; a refusal touches none, because it may arrive after another tab's success.
 */

import type { Service } from '../../service/service';
import { clientAuth } from '../auth/client-auth';
import type { AppEnv } from '../context';
import { Hono } from '../hono';
import { refreshByCookie, signInByPage, switchAccount } from './give-session';
import { signOutByCookies, signOutEverywhere } from './leave-session';
import { preflight, sameSite } from './same-site';
import { giveServerToken, refuseBrowsers } from './server-token';
import { showSession, showSessions } from './show-session';

export function browserRoutes(service: Service): Hono<AppEnv> {
  const { config } = service;
  const routes = new Hono<AppEnv>();
  const ownApp = sameSite(config);

  routes.use(async function vary(c, next) {
    await next();
    c.res.headers.append('Vary', 'Origin, Sec-Fetch-Site, Cookie');
  });

  routes.post('/refresh', ownApp, refreshByCookie(service));
  routes.post('/sign-in', ownApp, signInByPage(service));
  routes.post('/switch', ownApp, switchAccount(service));
  routes.get('/session', ownApp, showSession(service));
  routes.get('/sessions', ownApp, showSessions(service));
  routes.post('/sign-out', ownApp, signOutByCookies(service));
  routes.post('/sign-out-everywhere', ownApp, signOutEverywhere(service));
  routes.post('/token', refuseBrowsers, clientAuth(service), giveServerToken(service));

  for (const path of ['/refresh', '/sign-in', '/switch', '/sign-out', '/sign-out-everywhere'])
    routes.options(path, preflight(config, 'POST'));
  for (const path of ['/session', '/sessions']) routes.options(path, preflight(config, 'GET'));
  return routes;
}

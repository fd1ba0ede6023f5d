/**
 * The browser's half of the hand-off. A link proves nothing of who opens it: the maker of a link
 * can send any browser there, and would sign that person in as somebody else (login CSRF). So a
 * session starts by itself only where the request shows that a page of the client sent the browser
 * here: by a navigation within the site whose Referer names it, or by a form. In all other cases
 * the person is asked first, also where another host of the site sent them, because it may be
 * someone else's.
 */

import { takesCurrent } from '../../service/browser-accounts';
import type { Service } from '../../service/service';
import { isPassedOn } from '../../tokens/session-cookie';
import { toErrorKind } from '../account/error-kind';
import { fullMessage } from '../account/error-page';
import { Message, type MessageProps, type Site } from '../account/layout';
import { type Pages, render } from '../account/pages';
import type { AppContext, AppEnv } from '../context';
import { OAuthError, ProblemError, respondToError, statusOf, toProblem } from '../errors';
import { Hono } from '../hono';
import { readForm, readPageQuery } from '../input';
import { isAllowedForm } from './allowed-form';
import { hasSession, verifyHeld } from './cookie-session';
import { exchange, findOwn, goOn, invalidCode, open } from './redeem-code';
import { assertNavigation, bind, isBound, mayStartUnasked } from './start-binding';
import { StartPage } from './start-page';

export function startRoutes(service: Service, pages: Pages): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.use(async function vary(c, next) {
    await next();
    c.res.headers.append('Vary', 'Accept, Accept-Language, Origin, Sec-Fetch-Site, Cookie');
  });
  routes.get('/', startByLink(service, pages));
  routes.post('/', startByForm(service, pages));
  // A person is looking at the answer, unless a program says that it is one.
  routes.onError(async (error, c) => {
    const accept = c.req.header('accept') ?? '';
    if (/application\/(problem\+)?json/i.test(accept) && !/text\/html/i.test(accept))
      return respondToError(error, c, false);
    const problem = toProblem(error, c);
    c.set('outcome', problem.details.outcome ?? problem.code);
    const site = await pages.siteOf(c);
    return render(c, <Message site={site} {...explain(problem, site)} />, {
      status: statusOf(problem),
      headers: { ...problem.details.headers, ...pageHeaders(pages) },
    });
  });
  return routes;
}

function startByLink(service: Service, pages: Pages) {
  const issuerOrigin = new URL(service.config.issuer).origin;
  return async function start(c: AppContext): Promise<Response> {
    const { code } = readPageQuery(c, ['code']);
    if (code === undefined) throw new ProblemError('invalid_request', 'code is missing');
    // Only a person's own navigation starts a session: a browser that looks ahead would use up the
    // code, and nobody sees an embedded page.
    if (c.req.method === 'HEAD') return c.body(null, 204);
    assertNavigation(c);
    const handoff = await open(c, service, code);
    const held = await verifyHeld(c, service);
    const own = findOwn(held, handoff);
    // A step-up is never asked about: a browser without the session has nothing to agree to.
    if (own === null && (handoff.isExpired || handoff.authentication !== undefined))
      throw invalidCode();
    const { client } = handoff;
    // A link that makes another account current may be somebody else's, so it is asked about, too.
    if (
      own?.index === held.current ||
      (await isBound(c, code)) ||
      mayStartUnasked(c, issuerOrigin, client.origins, hasSession(c, held))
    )
      return own === null ? exchange(c, service, handoff, held) : goOn(c, service, handoff, own);
    c.set('outcome', 'asked');
    const { host } = new URL(handoff.returnUrl);
    // Browsers hold the form's answer to it, wherever the app may redirect it to in turn.
    const goals = [...client.origins, ...client.returnUrls.map((url) => new URL(url).origin)];
    const isSignedIn = Boolean(held.cookies.get(held.current));
    const page = (
      <StartPage
        site={await pages.siteOf(c)}
        code={code}
        lang={c.req.query('lang') ?? null}
        app={client.pages.name}
        host={host}
        replaces={isSignedIn && takesCurrent(service, held, client)}
      />
    );
    return render(c, page, { headers: pageHeaders(pages, ...new Set(goals)) });
  };
}

function startByForm(service: Service, pages: Pages) {
  const { config } = service;
  const issuerOrigin = new URL(config.issuer).origin;
  return async function start(c: AppContext): Promise<Response> {
    assertNavigation(c);
    const code = await readCode(c);
    const handoff = await open(c, service, code);
    if (!isAllowedForm(c, issuerOrigin, handoff.client.origins))
      throw new ProblemError('cross_site_request', 'The form is not one of the client');
    const held = await verifyHeld(c, service);
    const own = findOwn(held, handoff);
    if (own !== null) return goOn(c, service, handoff, own);
    if (handoff.isExpired) throw invalidCode();
    const site = c.req.header('sec-fetch-site');
    const isWithinSite =
      (site === 'same-origin' || site === 'same-site') && !isPassedOn(c.req.header());
    if (isWithinSite || hasSession(c, held)) return exchange(c, service, handoff, held);
    // A form of another site comes without the session's cookie (SameSite=Lax), and would leave a
    // session that nobody can end. The page that the browser navigates to next is sent the cookie.
    await bind(c, code);
    c.set('outcome', 'bound');
    const { origin } = new URL(config.issuer);
    return c.redirect(origin + pages.link(c, '/browser/start', { code }), 303);
  };
}

function pageHeaders(pages: Pages, ...formTargets: string[]): Record<string, string> {
  return {
    'Content-Security-Policy': pages.policyFor(...formTargets),
    // With no-referrer a browser would send its own forms with `Origin: null` (Fetch §3.2).
    'Referrer-Policy': 'same-origin',
  };
}

async function readCode(c: AppContext): Promise<string> {
  try {
    const form = await readForm(c);
    c.set('language', form.get('lang'));
    const code = form.get('code');
    if (code !== undefined) return code;
  } catch (error) {
    if (error instanceof OAuthError) throw new ProblemError('invalid_request', error.description);
    throw error;
  }
  throw new ProblemError('invalid_request', 'code is missing');
}

function explain({ code }: ProblemError, site: Site): MessageProps {
  const { texts } = site;
  switch (toErrorKind(code)) {
    case 'unavailable':
    case 'busy':
    case 'fault':
      return { title: texts.unavailableTitle, lead: texts.startUnavailableLead };
    case 'cross_site':
      return { title: texts.refusedTitle, lead: texts.startElsewhereLead };
    case 'full':
      return fullMessage(site);
    case 'ended':
    case 'authenticate':
    case 'nothing':
    case 'spent':
    case 'support':
    case 'unclear':
      return { title: texts.startRefusedTitle, lead: texts.startRefusedLead };
  }
}

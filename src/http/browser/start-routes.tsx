/**
 * The browser's half of the hand-off. A link proves nothing of who opens it: whoever made one can
 * send any browser there, and would sign that person in as somebody else (login CSRF). So a session
 * starts by itself only where the request shows that a page of the client sent the browser here: by
 * a navigation within the site whose Referer names it, or by a form. Everybody else is asked first;
 * another host of the site, which someone else may have, is everybody else.
 */
import { Hono } from 'hono';
import type { Tokens } from '../../service/issue-tokens';
import type { Result } from '../../service/refusal';
import type { Service } from '../../service/service';
import { type BrowserHandoff, openCode, startInBrowser } from '../../service/start-in-browser';
import { stepUpInBrowser } from '../../service/step-up-in-browser';
import type { OpenedHandoff } from '../../tokens/handoff-code';
import { SESSION_COOKIE } from '../../tokens/session-cookie';
import { toErrorKind } from '../account/error-kind';
import { Message, type Site } from '../account/layout';
import { type Pages, render } from '../account/pages';
import type { AppContext, AppEnv } from '../context';
import { OAuthError, ProblemError, respondToError, statusOf, toProblem } from '../errors';
import { readForm, readPageQuery } from '../input';
import { toProblemError } from '../refusals';
import { verifyCookie } from './cookie-session';
import { isSentTwice, readStartCookie, setSessionCookies, setStartCookie } from './cookies';
import { isAllowedOrigin } from './same-site';
import { assertNavigation, bind, isBound, mayStartUnasked } from './start-binding';
import { StartPage } from './start-page';

type Former = Awaited<ReturnType<typeof verifyCookie>>;

export function startRoutes(service: Service, pages: Pages): Hono<AppEnv> {
  const { config } = service;
  const routes = new Hono<AppEnv>();
  const issuerOrigin = new URL(config.issuer).origin;

  routes.use(async function vary(c, next) {
    await next();
    c.res.headers.append('Vary', 'Accept, Accept-Language, Origin, Sec-Fetch-Site, Cookie');
  });

  routes.get('/', async (c) => {
    const { code } = readPageQuery(c, ['code']);
    if (code === undefined) throw new ProblemError('invalid_request', 'code is missing');
    // Only a person's own navigation starts a session: what looks ahead would use up the code, what
    // is embedded is unseen.
    if (c.req.method === 'HEAD') return c.body(null, 204);
    assertNavigation(c);
    const handoff = await open(c, code);
    const former = await verifyCookie(c, service);
    if (isOf(former, handoff)) return goOn(c, handoff, former);
    // Of a step-up nobody is asked: a browser without the session has nothing to agree to.
    if (handoff.isExpired || handoff.authentication !== undefined) throw invalidCode();
    const hasSession = former !== null || isSentTwice(c, SESSION_COOKIE);
    if ((await isBound(c, code)) || mayStartUnasked(c, handoff.client.origins, hasSession))
      return exchange(c, handoff, former);
    c.set('outcome', 'asked');
    const { host, origin } = new URL(handoff.returnUrl);
    const page = (
      <StartPage
        site={await pages.siteOf(c)}
        code={code}
        lang={c.req.query('lang') ?? null}
        app={handoff.clientId}
        host={host}
        replaces={former !== null}
      />
    );
    return render(c, page, { headers: pageHeaders(origin) });
  });

  routes.post('/', async (c) => {
    assertNavigation(c);
    const code = await readCode(c);
    const handoff = await open(c, code);
    const request = {
      site: c.req.header('sec-fetch-site'),
      origin: c.req.header('origin'),
      isSafeMethod: false,
    };
    const { origins } = handoff.client;
    if (!isAllowedOrigin(request, issuerOrigin, origins))
      throw new ProblemError('cross_site_request', 'The form is not one of the client');
    const former = await verifyCookie(c, service);
    if (isOf(former, handoff)) return goOn(c, handoff, former);
    if (handoff.isExpired) throw invalidCode();
    const isWithinSite = request.site === 'same-origin' || request.site === 'same-site';
    if (former !== null || isWithinSite) return exchange(c, handoff, former);
    // A form of another site comes without the session's cookie (SameSite=Lax), and would leave a
    // session that nobody can end. What the browser navigates to next has it.
    await bind(c, code);
    c.set('outcome', 'bound');
    const { origin } = new URL(config.issuer);
    return c.redirect(origin + pages.link(c, '/browser/start', { code }), 303);
  });

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
      headers: { ...problem.details.headers, ...pageHeaders() },
    });
  });

  return routes;

  /** What an authentic code stands for, where the client may still have it. */
  async function open(c: AppContext, code: string): Promise<BrowserHandoff> {
    const opened = await openCode(service, code);
    if (!opened.ok) throw toProblemError(opened.refusal);
    c.set('sessionClientId', opened.handoff.client.id);
    return opened.handoff;
  }

  async function exchange(c: AppContext, handoff: BrowserHandoff, former: Former) {
    const result = await startInBrowser(c.get('caller'), service, handoff, former);
    return give(c, handoff, result, 'started');
  }

  /** The browser has the session: the code raises it, or is of a link that is opened again. */
  async function goOn(c: AppContext, handoff: BrowserHandoff, former: NonNullable<Former>) {
    if (handoff.authentication === undefined || handoff.isExpired) {
      c.set('outcome', 'unchanged');
      return c.redirect(handoff.returnUrl, 303);
    }
    const result = await stepUpInBrowser(c.get('caller'), service, handoff, former);
    return give(c, handoff, result, 'authenticated');
  }

  function give(
    c: AppContext,
    { client, returnUrl }: BrowserHandoff,
    result: Result<{ tokens: Tokens }>,
    outcome: string,
  ): Response {
    if (!result.ok) throw toProblemError(result.refusal);
    setSessionCookies(c, client, result.tokens);
    if (readStartCookie(c) !== null) setStartCookie(c, null);
    c.set('outcome', outcome);
    return c.redirect(returnUrl, 303);
  }

  function pageHeaders(...formTargets: string[]): Record<string, string> {
    return {
      'Content-Security-Policy': pages.policyFor(...formTargets),
      // With no-referrer a browser would send its own forms with `Origin: null` (Fetch §3.2).
      'Referrer-Policy': 'same-origin',
    };
  }
}

/** Whether the browser has the very session that the code was for: a link that is opened again. */
function isOf(
  former: Former,
  { sessionId, clientId }: OpenedHandoff,
): former is NonNullable<Former> {
  return (
    former !== null &&
    !former.token.mayBeForged &&
    former.token.sessionId === sessionId &&
    former.clientId === clientId
  );
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

/** As the operations say it (service/start-in-browser.ts). */
function invalidCode(): ProblemError {
  return new ProblemError('invalid_code');
}

function explain({ code }: ProblemError, { texts }: Site): { title: string; lead: string } {
  switch (toErrorKind(code)) {
    case 'unavailable':
    case 'busy':
    case 'fault':
      return { title: texts.unavailableTitle, lead: texts.startUnavailableLead };
    case 'cross_site':
      return { title: texts.refusedTitle, lead: texts.startElsewhereLead };
    case 'ended':
    case 'authenticate':
    case 'nothing':
    case 'unclear':
      return { title: texts.startRefusedTitle, lead: texts.startRefusedLead };
  }
}

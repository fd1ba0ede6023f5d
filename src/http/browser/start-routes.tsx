/**
 * The browser's half of the hand-off. A link proves nothing of who opens it: whoever made one can
 * send any browser there, and would sign that person in as somebody else (login CSRF). So a session
 * starts by itself only where the request shows that a page of the client sent the browser here: by
 * a navigation within the site whose Referer names it, or by a form. Everybody else is asked first;
 * another host of the site, which someone else may have, is everybody else.
 */
import { Hono } from 'hono';
import type { Client } from '../../config/clients';
import { isAllowedReturnUrl } from '../../origins';
import { MAX_USER_AGENT_LENGTH } from '../../risk/user-agent';
import { issueTokens } from '../../service/issue-tokens';
import { whereSessionIs } from '../../service/locate';
import { endPresented, refreshPolicyOf } from '../../service/present';
import { report, revocationOf } from '../../service/report';
import type { Service } from '../../service/service';
import { signalsOf, visitorOf } from '../../service/signals';
import { throttleHandOff } from '../../service/throttle';
import { SESSION_COOKIE } from '../../session-cookie';
import { exchangeHandoff } from '../../sessions/exchange-handoff';
import { type OpenedHandoff, openHandoff } from '../../tokens/handoff-code';
import { toErrorKind } from '../account/error-kind';
import { Message, type Site } from '../account/layout';
import { createPages, render } from '../account/pages';
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

export function startRoutes(service: Service): Hono<AppEnv> {
  const { config, now } = service;
  const routes = new Hono<AppEnv>();
  const pages = createPages(service);
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
    if (isOf(former, handoff)) return goOn(c, handoff);
    if (handoff.isExpired) throw invalidCode();
    const hasSession = former !== null || isSentTwice(c, SESSION_COOKIE);
    if ((await isBound(c, code)) || mayStartUnasked(c, handoff.client.origins, hasSession))
      return exchange(c, handoff, former);
    c.set('outcome', 'asked');
    const { host, origin } = new URL(handoff.returnUrl);
    const page = (
      <StartPage
        site={await pages.siteOf(c)}
        code={code}
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
    if (isOf(former, handoff)) return goOn(c, handoff);
    if (handoff.isExpired) throw invalidCode();
    const isWithinSite = request.site === 'same-origin' || request.site === 'same-site';
    if (former !== null || isWithinSite) return exchange(c, handoff, former);
    // A form of another site comes without the session's cookie (SameSite=Lax), and would leave a
    // session that nobody can end. What the browser navigates to next has it.
    await bind(c, code);
    c.set('outcome', 'bound');
    return c.redirect(`${config.issuer}/browser/start?code=${code}`, 303);
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
  async function open(c: AppContext, code: string) {
    const handoff = await openHandoff(await service.keyring(), code, now());
    const client = handoff === null ? undefined : config.clients.get(handoff.clientId);
    if (handoff === null || client === undefined) throw invalidCode();
    if (!isAllowedReturnUrl(client.returnUrls, handoff.returnUrl)) throw invalidCode();
    c.set('sessionClientId', client.id);
    return { ...handoff, client };
  }

  async function exchange(
    c: AppContext,
    handoff: OpenedHandoff & { client: Client },
    former: Former,
  ) {
    const caller = c.get('caller');
    const home = service.findHome(handoff.home, caller.meter);
    if (home === null) throw invalidCode();
    const throttled = await throttleHandOff(service, handoff.sessionId);
    if (throttled !== null) throw toProblemError(throttled.refusal);
    const signer = await service.signerFor(home);
    const isHere = former?.token.home === home.name && !former.token.mayBeForged;
    const replaces = isHere ? former.token.sessionId : null;
    const { signals } = await signalsOf(caller.device, service);
    const userAgent = c.req.header('user-agent')?.slice(0, MAX_USER_AGENT_LENGTH) ?? null;
    const { risk } = refreshPolicyOf(service, handoff.clientId);
    const browser = { userAgent, signals, risk, replaces };
    const { home: at, result } = await whereSessionIs(
      caller,
      service,
      { home, sessionId: handoff.sessionId },
      (place) => exchangeHandoff(place, handoff, browser, revocationOf(caller, service)),
      (exchanged) => exchanged === null,
    );
    if (result === null) throw invalidCode();
    report(caller, at, result.events);
    // One transaction has one database, so a former session in another home ends by itself.
    const elsewhere =
      former !== null && replaces === null
        ? service.findHome(former.token.home, caller.meter)
        : null;
    if (former !== null && elsewhere !== null) {
      const visitor = await visitorOf(caller.device, service);
      await endPresented(caller, service, elsewhere, { ...former, visitor });
    }
    const { session, secret } = result;
    const tokens = await issueTokens(service, signer, { home: at, session, secret });
    setSessionCookies(c, handoff.client, tokens);
    if (readStartCookie(c) !== null) setStartCookie(c, null);
    c.set('outcome', 'started');
    return c.redirect(handoff.returnUrl, 303);
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
function isOf(former: Former, { sessionId, clientId }: OpenedHandoff): boolean {
  return (
    former !== null &&
    !former.token.mayBeForged &&
    former.token.sessionId === sessionId &&
    former.clientId === clientId
  );
}

function goOn(c: AppContext, { returnUrl }: OpenedHandoff): Response {
  c.set('outcome', 'unchanged');
  return c.redirect(returnUrl, 303);
}

async function readCode(c: AppContext): Promise<string> {
  try {
    const code = (await readForm(c)).get('code');
    if (code !== undefined) return code;
  } catch (error) {
    if (error instanceof OAuthError) throw new ProblemError('invalid_request', error.description);
    throw error;
  }
  throw new ProblemError('invalid_request', 'code is missing');
}

/** Whether it was changed, used or expired, nobody is told: who has a good one needs no telling. */
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

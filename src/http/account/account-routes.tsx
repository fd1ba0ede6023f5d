/**
 * Pages for people, rendered here and complete without JavaScript. They act with the session's
 * cookie, so a form counts only when this very page sent it (ASVS 3.5.1): fetch metadata and Origin
 * say so, and no other origin is allowed.
 */
import { Hono } from 'hono';
import * as v from 'valibot';
import { parseSequence } from '../../calls/cursors';
import { uuid } from '../../calls/fields';
import { toSessionView } from '../../calls/views';
import { toEventView } from '../../security-log/event-view';
import { toRevokeRefused } from '../../service/end-own-sessions';
import { report, revocationOf } from '../../service/report';
import type { Service } from '../../service/service';
import { type Account, readAccount } from '../../sessions/read-account';
import { revokeCurrent, revokeOne } from '../../sessions/revoke';
import { revokeOthers } from '../../sessions/revoke-many';
import { findOwnSession } from '../browser/cookie-session';
import { clearSessionCookies, readSessionCookie } from '../browser/cookies';
import { isAllowedOrigin } from '../browser/same-site';
import type { AppContext, AppEnv } from '../context';
import { ProblemError, statusOf, toProblem } from '../errors';
import { readQuery, validate } from '../input';
import { toCookieProblem } from '../refusals';
import { ConfirmPage } from './confirm';
import { ActivityPage, DevicesPage } from './devices';
import { Message, type Site } from './layout';
import { createPages, render } from './pages';
import { toIcon } from './style';

const DEVICES = 100;
const ACTIVITIES = 20;

export function accountRoutes(service: Service): Hono<AppEnv> {
  const { config, now } = service;
  const { basePath: base, brand } = config;
  const routes = new Hono<AppEnv>();
  const { stylesheet, stylesheetVersion, siteOf, policyFor } = createPages(service);
  const issuerOrigin = new URL(config.issuer).origin;

  routes.use(async function pageHeaders(c, next) {
    await next();
    c.res.headers.set('Content-Security-Policy', policyFor());
    // With no-referrer a browser would send its own forms with `Origin: null` (Fetch §3.2).
    c.res.headers.set('Referrer-Policy', 'same-origin');
    c.res.headers.append('Vary', 'Accept-Language, Cookie, Origin, Sec-Fetch-Site');
  });

  routes.get('/style.css', async (c) => {
    // Its address changes with it, so it may be kept for ever.
    const { v: version } = readQuery(c, ['v']);
    const isCurrent = version === (await stylesheetVersion());
    return c.body(stylesheet, 200, {
      'Content-Type': 'text/css; charset=utf-8',
      'Cache-Control': isCurrent ? 'public, max-age=31536000, immutable' : 'no-cache',
    });
  });

  routes.get('/icon.svg', (c) =>
    c.body(toIcon(brand), 200, {
      'Content-Type': 'image/svg+xml',
      'Cache-Control': 'public, max-age=86400',
    }),
  );

  routes.get('/', async (c) => {
    const { done } = readQuery(c, ['done']);
    const { account, sessionId } = await readOwnAccount(c, null);
    const { devices, activity } = account;
    return render(
      c,
      <DevicesPage
        site={await siteOf(c)}
        sessions={devices.sessions.map((session) => toSessionView(session, config, sessionId))}
        hasMore={devices.next !== null}
        events={activity.rows.map(toEventView)}
        older={activity.next}
        done={done === 'device' || done === 'others' ? done : null}
      />,
    );
  });

  routes.get('/activity', async (c) => {
    const { before } = readQuery(c, ['before']);
    const parsed = parseSequence(before);
    if (!parsed.ok) throw toCookieProblem(parsed.refusal);
    const { account } = await readOwnAccount(c, parsed.position);
    const { rows: events, next } = account.activity;
    return render(
      c,
      <ActivityPage site={await siteOf(c)} events={events.map(toEventView)} older={next} />,
    );
  });

  routes.get('/sign-out-others', async (c) => {
    await findOwnSession(c, service);
    return render(c, <ConfirmPage site={await siteOf(c)} />);
  });

  routes.get('/signed-out', async (c) => {
    const site = await siteOf(c);
    return render(
      c,
      <Message site={site} title={site.texts.signedOutTitle} lead={site.texts.signedOutLead} />,
    );
  });

  routes.post('/sessions/:id/sign-out', ownForm, async (c) => {
    const { id } = validate(v.strictObject({ id: uuid }), { id: c.req.param('id') });
    const { caller, home } = await readCaller(c);
    const result = await revokeOne(home, caller, id, revocationOf(c.get('caller'), service));
    if (!result.ok) throw toCookieProblem(toRevokeRefused(result, service).refusal);
    report(c.get('caller'), home, result.events);
    return c.redirect(`${base}/account?done=device`, 303);
  });

  routes.post('/sign-out-others', ownForm, async (c) => {
    const { caller, home } = await readCaller(c);
    const result = await revokeOthers(home, caller, revocationOf(c.get('caller'), service));
    if (!result.ok) throw toCookieProblem(toRevokeRefused(result, service).refusal);
    report(c.get('caller'), home, result.events);
    return c.redirect(`${base}/account?done=others`, 303);
  });

  routes.post('/sign-out', ownForm, async (c) => {
    const { caller, home } = await readCaller(c);
    report(
      c.get('caller'),
      home,
      await revokeCurrent(home, caller, revocationOf(c.get('caller'), service)),
    );
    clearSessionCookies(c);
    return c.redirect(`${base}/account/signed-out`, 303);
  });

  routes.onError(async (error, c) => {
    const problem = toProblem(error, c);
    const site = await siteOf(c);
    const { title, lead, link } = explain(problem, c, site);
    c.set('outcome', problem.code);
    const page = <Message site={site} title={title} lead={lead} link={link} />;
    return render(c, page, {
      status: statusOf(problem),
      ...(problem.details.headers && { headers: problem.details.headers }),
    });
  });

  return routes;

  /** Only this page's own forms: no other origin, not even an app's, acts here. */
  async function ownForm(c: AppContext, next: () => Promise<void>) {
    const request = {
      site: c.req.header('sec-fetch-site'),
      origin: c.req.header('origin'),
      isSafeMethod: false,
    };
    if (!isAllowedOrigin(request, issuerOrigin, []))
      throw new ProblemError('cross_site_request', 'The form is not one of this page');
    await next();
  }

  async function readCaller(c: AppContext) {
    const { session, home } = await findOwnSession(c, service);
    return {
      caller: { sessionId: session.id, userId: session.userId, authTime: session.authTime },
      home,
    };
  }

  async function readOwnAccount(
    c: AppContext,
    before: number | null,
  ): Promise<{ account: Account; sessionId: string }> {
    const { session, home } = await findOwnSession(c, service);
    const wanted = { devices: DEVICES, activity: { before, limit: ACTIVITIES } };
    const copies = { home, replica: service.replicaOf(home) };
    return {
      account: await readAccount(copies, config.sessions, session, wanted, now()),
      sessionId: session.id,
    };
  }

  function explain(
    { code, details }: ProblemError,
    c: AppContext,
    { texts }: Site,
  ): { title: string; lead: string; link?: { href: string; text: string } } {
    const devices = { href: `${base}/account`, text: texts.backToDevices };
    const [app] = config.clients.get(clientOf(c) ?? '')?.origins ?? [];
    const isElsewhere = details.members?.reason === 'reauthenticate';
    switch (code) {
      case 'session_ended':
        return {
          title: isElsewhere ? texts.elsewhereTitle : texts.endedTitle,
          lead: isElsewhere ? texts.elsewhereLead : texts.endedLead,
          ...(app !== undefined && { link: { href: app, text: texts.goToApp } }),
        };
      case 'insufficient_user_authentication':
        return {
          title: texts.authenticateTitle,
          lead: texts.authenticateLead,
          ...(app !== undefined && { link: { href: app, text: texts.goToApp } }),
        };
      case 'not_found':
        return { title: texts.notFoundTitle, lead: texts.notFoundLead, link: devices };
      case 'database_unavailable':
      case 'internal_error':
      case 'too_many_requests':
        return { title: texts.unavailableTitle, lead: texts.unavailableLead, link: devices };
      default:
        return { title: texts.refusedTitle, lead: texts.refusedLead, link: devices };
    }
  }
}

/** Whose app the person came from, as far as the cookie says; nothing depends on it but a link. */
function clientOf(c: AppContext): string | null {
  try {
    return readSessionCookie(c)?.clientId ?? null;
  } catch {
    return null;
  }
}

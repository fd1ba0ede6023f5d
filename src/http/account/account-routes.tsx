/**
 * Pages for people, rendered here and complete without JavaScript. They act with the session's
 * cookie, so a form counts only when this very page sent it (ASVS 3.5.1): fetch metadata and Origin
 * say so, and no other origin is allowed.
 */
import { Hono } from 'hono';
import * as v from 'valibot';
import { parseSequence } from '../../calls/cursors';
import { uuid } from '../../calls/fields';
import { toDeviceName, toSessionView } from '../../calls/views';
import { toEventView } from '../../security-log/event-view';
import { toRevokeRefused } from '../../service/end-own-sessions';
import { report, revocationOf } from '../../service/report';
import type { Service } from '../../service/service';
import { SESSION_COOKIE } from '../../session-cookie';
import { type Account, readAccount } from '../../sessions/read-account';
import { revokeCurrent, revokeOne } from '../../sessions/revoke';
import { revokeOthers } from '../../sessions/revoke-many';
import type { Session } from '../../sessions/session';
import { findOwnSession } from '../browser/cookie-session';
import { clearSessionCookies, isSentTwice } from '../browser/cookies';
import { isAllowedOrigin } from '../browser/same-site';
import type { AppContext, AppEnv } from '../context';
import { ProblemError } from '../errors';
import { readPageQuery, validate } from '../input';
import { toCookieProblem } from '../refusals';
import { ConfirmPage } from './confirm';
import { ActivityPage, DevicesPage } from './devices';
import { findDone } from './done';
import { Message } from './layout';
import { createPages, render, setPageHeaders } from './pages';
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
    setPageHeaders(c.res.headers, policyFor());
  });

  routes.get('/style.css', async (c) => {
    // Its address changes with it, so it may be kept for ever.
    const { v: version } = readPageQuery(c, ['v']);
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
    const { done } = readPageQuery(c, ['done']);
    const { account, session } = await readOwnAccount(c, null);
    const { devices, activity } = account;
    const listed = devices.sessions.map((row) => toSessionView(row, config, session.id));
    const own = listed.find(({ current }) => current);
    const others = listed.filter(({ current }) => !current);
    const events = toEventsOf(account);
    return render(
      c,
      <DevicesPage
        site={await siteOf(c)}
        own={own ?? toSessionView(session, config, session.id)}
        others={others}
        hasMore={devices.next !== null}
        events={events}
        older={activity.next}
        done={findDone(done, events, others.length > 0 || devices.next !== null, now())}
      />,
    );
  });

  routes.get('/activity', async (c) => {
    const { before } = readPageQuery(c, ['before']);
    const parsed = parseSequence(before);
    if (!parsed.ok) throw toCookieProblem(parsed.refusal);
    const { account } = await readOwnAccount(c, parsed.position);
    const { next } = account.activity;
    return render(
      c,
      <ActivityPage site={await siteOf(c)} events={toEventsOf(account)} older={next} />,
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
    // Nothing says which session it would be; the browser keeps none either way.
    if (!isSentTwice(c, SESSION_COOKIE)) await endOwnSession(c);
    clearSessionCookies(c);
    return c.redirect(`${base}/account/signed-out`, 303);
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

  async function endOwnSession(c: AppContext) {
    const { caller, home } = await readCaller(c);
    const events = await revokeCurrent(home, caller, revocationOf(c.get('caller'), service));
    report(c.get('caller'), home, events);
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
  ): Promise<{ account: Account; session: Session }> {
    const { session, home } = await findOwnSession(c, service);
    const wanted = { devices: DEVICES, activity: { before, limit: ACTIVITIES } };
    const copies = { home, replica: service.replicaOf(home) };
    return {
      account: await readAccount(copies, config.sessions, session, wanted, now()),
      session,
    };
  }
}

/** The events, each with the device that it is of: what ends a session names none. */
function toEventsOf({ activity, of }: Account) {
  return activity.rows.map(toEventView).map((event) => {
    const session = of.get(event.session_id);
    return { ...event, device: event.device ?? (session && toDeviceName(session)) ?? null };
  });
}

/** The pages themselves: what they read, and how it is shown. They change nothing. */

import { toDeviceView, toShownEvents } from '../../calls/account-view';
import { parseSequence } from '../../calls/cursors';
import { readOwnAccount, readOwnDevice } from '../../service/cookie-person';
import type { Service } from '../../service/service';
import { cookieCallerOf } from '../browser/cookie-session';
import { readSessionCookie } from '../browser/cookies';
import type { AppContext } from '../context';
import { ProblemError } from '../errors';
import { readPageQuery } from '../input';
import { toCookieProblem } from '../refusals';
import { ActivityPage } from './activity';
import { ConfirmPage, NotYouPage } from './confirm';
import { DevicePage } from './device-page';
import { DevicesPage } from './devices';
import { findDone } from './done';
import { Message, toApp } from './layout';
import { type Pages, render } from './pages';

const DEVICES = 100;
const ACTIVITIES = 20;

export function showDevices(service: Service, { siteOf }: Pages) {
  const { config, now } = service;
  return async function devices(c: AppContext): Promise<Response> {
    const { done } = readPageQuery(c, ['done']);
    const caller = await cookieCallerOf(c, service);
    const read = await readOwnAccount(caller, service, toWanted(null));
    if (!read.ok) throw toCookieProblem(read.refusal);
    const { account } = read;
    const toView = (session: typeof caller.session) =>
      toDeviceView(session, config, caller.session);
    const listed = account.devices.sessions.map(toView);
    const others = listed.filter(({ isCurrent }) => !isCurrent);
    const hasMore = account.devices.next !== null;
    const events = toShownEvents(account.activity.rows, account.of, caller.session);
    return render(
      c,
      <DevicesPage
        site={await siteOf(c, caller.session)}
        own={listed.find(({ isCurrent }) => isCurrent) ?? toView(caller.session)}
        others={others}
        hasMore={hasMore}
        events={events}
        older={account.activity.next}
        done={findDone(done, events, others.length > 0 || hasMore, now())}
      />,
    );
  };
}

export function showActivity(service: Service, { siteOf }: Pages) {
  return async function activity(c: AppContext): Promise<Response> {
    const before = readBefore(c);
    const caller = await cookieCallerOf(c, service);
    const read = await readOwnAccount(caller, service, toWanted(before));
    if (!read.ok) throw toCookieProblem(read.refusal);
    const { activity, of } = read.account;
    const site = await siteOf(c, caller.session);
    const events = toShownEvents(activity.rows, of, caller.session);
    return render(c, <ActivityPage site={site} events={events} older={activity.next} />);
  };
}

export function showDevice(service: Service, { siteOf }: Pages) {
  const { config } = service;
  return async function device(c: AppContext): Promise<Response> {
    const before = readBefore(c);
    const caller = await cookieCallerOf(c, service);
    const id = c.req.param('id') ?? '';
    const read = await readOwnDevice(caller, service, { sessionId: id, before });
    if (!read.ok) throw toCookieProblem(read.refusal);
    const { session, isOver, events, next } = read.history;
    if (session === null) throw new ProblemError('not_found');
    return render(
      c,
      <DevicePage
        site={await siteOf(c, caller.session)}
        of={toDeviceView(session, config, caller.session, isOver)}
        events={toShownEvents(events, new Map([[session.id, session]]), caller.session)}
        older={next}
      />,
    );
  };
}

function readBefore(c: AppContext): number | null {
  const parsed = parseSequence(readPageQuery(c, ['before']).before);
  if (!parsed.ok) throw toCookieProblem(parsed.refusal);
  return parsed.position;
}

export function askSignOutOthers(service: Service, { siteOf }: Pages) {
  return async function ask(c: AppContext): Promise<Response> {
    const { session } = await cookieCallerOf(c, service);
    return render(c, <ConfirmPage site={await siteOf(c, session)} />);
  };
}

export function showNotYou(service: Service, { siteOf }: Pages) {
  return async function notYou(c: AppContext): Promise<Response> {
    const { session } = await cookieCallerOf(c, service);
    return render(c, <NotYouPage site={await siteOf(c, session)} isSignedIn />);
  };
}

/** A person who opens the address with a session is not told that it is over. */
export function showSignedOut({ siteOf, link }: Pages) {
  return async function signedOut(c: AppContext): Promise<Response> {
    if (readSessionCookie(c) !== null) return c.redirect(link(c, '/account'), 303);
    const site = await siteOf(c);
    const { signedOutTitle: title, signedOutLead: lead } = site.texts;
    return render(c, <Message site={site} title={title} lead={lead} link={toApp(site)} />);
  };
}

const toWanted = (before: number | null) => ({
  devices: DEVICES,
  activity: { before, limit: ACTIVITIES },
});

/** The pages themselves: what they read, and how it is shown. They change nothing. */

import { parseSequence } from '../../calls/cursors';
import { toSessionView } from '../../calls/views';
import { findDevice } from '../../risk/find-device';
import { contextOf, toEventView } from '../../security-log/event-view';
import { readOwnAccount } from '../../service/cookie-person';
import type { Service } from '../../service/service';
import type { Account } from '../../sessions/read-account';
import { findOwnSession } from '../browser/cookie-session';
import type { AppContext } from '../context';
import { readPageQuery } from '../input';
import { toCookieProblem } from '../refusals';
import { ConfirmPage } from './confirm';
import { ActivityPage, DevicesPage } from './devices';
import { findDone } from './done';
import { Message } from './layout';
import { type Pages, render } from './pages';

const DEVICES = 100;
const ACTIVITIES = 20;

export function showDevices(service: Service, { siteOf }: Pages) {
  const { config, now } = service;
  return async function devices(c: AppContext): Promise<Response> {
    const { done } = readPageQuery(c, ['done']);
    const caller = await findOwnSession(c, service);
    const read = await readOwnAccount(caller, service, toWanted(null));
    if (!read.ok) throw toCookieProblem(read.refusal);
    const { account } = read;
    const toView = (session: typeof caller.session) => ({
      ...toSessionView(session, config, caller.session.id),
      shownDevice: findDevice(session),
    });
    const listed = account.devices.sessions.map(toView);
    const others = listed.filter(({ current }) => !current);
    const hasMore = account.devices.next !== null;
    const events = toEventsOf(account);
    return render(
      c,
      <DevicesPage
        site={await siteOf(c)}
        own={listed.find(({ current }) => current) ?? toView(caller.session)}
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
    const { before } = readPageQuery(c, ['before']);
    const parsed = parseSequence(before);
    if (!parsed.ok) throw toCookieProblem(parsed.refusal);
    const caller = await findOwnSession(c, service);
    const read = await readOwnAccount(caller, service, toWanted(parsed.position));
    if (!read.ok) throw toCookieProblem(read.refusal);
    const { account } = read;
    const { next } = account.activity;
    return render(
      c,
      <ActivityPage site={await siteOf(c)} events={toEventsOf(account)} older={next} />,
    );
  };
}

export function askSignOutOthers(service: Service, { siteOf }: Pages) {
  return async function ask(c: AppContext): Promise<Response> {
    await findOwnSession(c, service);
    return render(c, <ConfirmPage site={await siteOf(c)} />);
  };
}

export function showSignedOut({ siteOf }: Pages) {
  return async function signedOut(c: AppContext): Promise<Response> {
    const site = await siteOf(c);
    const { signedOutTitle: title, signedOutLead: lead } = site.texts;
    return render(c, <Message site={site} title={title} lead={lead} />);
  };
}

const toWanted = (before: number | null) => ({
  devices: DEVICES,
  activity: { before, limit: ACTIVITIES },
});

/** The events, each with the device that it is of: what ends a session names none. */
function toEventsOf({ activity, of }: Account) {
  return activity.rows.map((row) => {
    const context = contextOf(row);
    const session = of.get(row.sessionId);
    const known = context?.browser || context?.platform ? context : session && findDevice(session);
    return { ...toEventView(row), shownDevice: known ?? null };
  });
}

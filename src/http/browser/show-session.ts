/** Shows the sessions of the browser's cookies, without moving them on. */
import { personOf } from '../../calls/account-view';
import { toSessionView } from '../../calls/views';
import { readAccounts } from '../../service/browser-accounts';
import type { Service } from '../../service/service';
import type { AppContext } from '../context';
import { toCookieProblem } from '../refusals';
import { cookieCallerOf, verifyHeld } from './cookie-session';
import { isOthers } from './same-site';

export function showSession(service: Service) {
  return async function answerSession(c: AppContext): Promise<Response> {
    const { session } = await cookieCallerOf(c, service);
    return c.json({ session: toSessionView(session, service.config, session.id) });
  };
}

/** The accounts that are signed in here, of the page's own app: of others it hears nothing. */
export function showSessions(service: Service) {
  return async function answerSessions(c: AppContext): Promise<Response> {
    const { current, cookies } = await verifyHeld(c, service);
    const own = [...cookies].filter(
      ([, cookie]) => cookie !== null && !isOthers(c, service.config, cookie.clientId),
    );
    const read = await readAccounts(c.get('caller'), service, { current, cookies: new Map(own) });
    if (!read.ok) throw toCookieProblem(read.refusal);
    const sessions = read.accounts.map(({ index, session }) => ({
      index,
      current: index === current,
      id: session.id,
      user_id: session.userId,
      display_name: personOf(session),
      client_id: session.clientId,
    }));
    return c.json({ sessions });
  };
}

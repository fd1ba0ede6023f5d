/** Whose session the browser's cookie is, without moving it on. */
import { toSessionView } from '../../calls/views';
import type { Service } from '../../service/service';
import type { AppContext } from '../context';
import { cookieCallerOf } from './cookie-session';

export function showSession(service: Service) {
  return async function answerSession(c: AppContext): Promise<Response> {
    const { session } = await cookieCallerOf(c, service);
    return c.json({ session: toSessionView(session, service.config, session.id) });
  };
}

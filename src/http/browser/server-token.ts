/**
 * For the app's own server, which has the browser's cookies in its hands but cannot hand new ones
 * back.
 */
import { exchangeCookie } from '../../calls/token-calls';
import type { Service } from '../../service/service';
import type { AppContext } from '../context';
import { ProblemError } from '../errors';
import { readOptionalMembersOf } from '../input';
import { answer, toCookieProblem } from '../refusals';
import { clientCallerOf } from '../request-caller';

/**
 * Tells a browser without credentials what this route is for. A server that has credentials may
 * pass on any headers of its visitor's browser, which do not say who asks.
 */
export async function refuseBrowsers(c: AppContext, next: () => Promise<void>): Promise<void> {
  const { 'sec-fetch-site': site, origin, authorization } = c.req.header();
  if (authorization === undefined && (site ?? origin) !== undefined)
    throw new ProblemError('cross_site_request', 'This is for servers; no browser may ask here');
  await next();
}

export function giveServerToken(service: Service) {
  return async function answerToken(c: AppContext): Promise<Response> {
    const input = await readOptionalMembersOf(c, { cookie: c.req.header('cookie') ?? '' });
    const called = await exchangeCookie(clientCallerOf(c), service, input);
    return c.json(answer(c, called, toCookieProblem));
  };
}

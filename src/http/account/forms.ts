/** Handles the forms of the pages. Each leads on to a page (303), so that none is sent twice. */
import * as v from 'valibot';
import { label, uuid } from '../../calls/fields';
import type { Config } from '../../config/config';
import {
  answerByCookie,
  endAllByCookie,
  endCookieSession,
  endOneByCookie,
  endOthersByCookie,
  renameByCookie,
} from '../../service/cookie-person';
import type { Service } from '../../service/service';
import { ACCOUNTS } from '../../tokens/session-cookie';
import { isAllowedForm } from '../browser/allowed-form';
import { cookieCallerOf } from '../browser/cookie-session';
import { clearSessionCookies, isAmbiguous } from '../browser/cookies';
import type { AppContext } from '../context';
import { ProblemError } from '../errors';
import { readField, validate } from '../input';
import { toCookieProblem } from '../refusals';
import type { Pages } from './pages';

/** Only this page's own forms: no other origin, not even an app's, acts here. */
export function ownForm({ issuer }: Config) {
  const own = new URL(issuer).origin;
  return async function isOwnForm(c: AppContext, next: () => Promise<void>): Promise<void> {
    if (!isAllowedForm(c, own, []))
      throw new ProblemError('cross_site_request', 'The form is not one of this page');
    await next();
  };
}

export function signOutOne(service: Service, { link }: Pages) {
  return async function signOut(c: AppContext): Promise<Response> {
    const id = readId(c);
    const result = await endOneByCookie(await cookieCallerOf(c, service), service, id);
    if (!result.ok) throw toCookieProblem(result.refusal);
    return c.redirect(link(c, '/account', { done: 'device' }), 303);
  };
}

/** An empty name takes the name away. */
export function nameDevice(service: Service, { link }: Pages) {
  return async function name(c: AppContext): Promise<Response> {
    const id = readId(c);
    const said = await readField(c, 'label');
    const given = said === '' ? null : validate(v.object({ label }), { label: said }).label;
    const result = await renameByCookie(await cookieCallerOf(c, service), service, id, given);
    if (!result.ok) throw toCookieProblem(result.refusal);
    return c.redirect(link(c, `/account/sessions/${id}`), 303);
  };
}

const readId = (c: AppContext) =>
  validate(v.strictObject({ id: uuid }), { id: c.req.param('id') }).id;

/** The account that the page was of: another tab may have made another one current since. */
const accountOf = (c: AppContext) =>
  ACCOUNTS.find((index) => `${index}` === c.req.query('account')) ?? 0;

export function signOutOthers(service: Service, { link }: Pages) {
  return async function signOut(c: AppContext): Promise<Response> {
    const result = await endOthersByCookie(await cookieCallerOf(c, service, accountOf(c)), service);
    if (!result.ok) throw toCookieProblem(result.refusal);
    return c.redirect(link(c, '/account', { done: 'others' }), 303);
  };
}

/** "No" leads to what else helps. */
export function answer(service: Service, { link }: Pages) {
  return async function answerEvent(c: AppContext): Promise<Response> {
    const eventId = readId(c);
    const answer = c.req.param('answer') === 'yes' ? 'yes' : 'no';
    const caller = await cookieCallerOf(c, service);
    const result = await answerByCookie(caller, service, { eventId, answer });
    if (!result.ok) throw toCookieProblem(result.refusal);
    return c.redirect(link(c, answer === 'yes' ? '/account' : '/account/not-you'), 303);
  };
}

export function signOutEverywhere(service: Service, { link }: Pages) {
  return async function signOut(c: AppContext): Promise<Response> {
    const index = accountOf(c);
    const result = await endAllByCookie(await cookieCallerOf(c, service, index), service);
    if (!result.ok) throw toCookieProblem(result.refusal);
    clearSessionCookies(c, index);
    return c.redirect(link(c, '/account/signed-out'), 303);
  };
}

export function signOutHere(service: Service, { link }: Pages) {
  return async function signOut(c: AppContext): Promise<Response> {
    const index = accountOf(c);
    // With two cookies of one name it is not known whose session to end. The browser loses both.
    if (!isAmbiguous(c, index))
      await endCookieSession(await cookieCallerOf(c, service, index), service);
    clearSessionCookies(c, index);
    return c.redirect(link(c, '/account/signed-out'), 303);
  };
}

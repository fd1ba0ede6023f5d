/** Redeems an authentic hand-off code in this browser: for a session, a step-up, or nothing new. */
import { findHandedOff, type Held, placeAccount } from '../../service/browser-accounts';
import type { Tokens } from '../../service/issue-tokens';
import { findCookieCaller, type VerifiedCookie } from '../../service/present-cookie';
import type { Result } from '../../service/refusal';
import type { Service } from '../../service/service';
import { type BrowserHandoff, openCode, startInBrowser } from '../../service/start-in-browser';
import { stepUpInBrowser } from '../../service/step-up-in-browser';
import type { OpenedHandoff } from '../../tokens/handoff-code';
import type { AppContext } from '../context';
import { ProblemError } from '../errors';
import { toCookieProblem } from '../refusals';
import {
  currentOf,
  readStartCookie,
  setCurrent,
  setSessionCookies,
  setStartCookie,
} from './cookies';

/** The account that a browser has by the very session that a code is for. */
interface OwnAccount {
  index: number;
  cookie: VerifiedCookie;
}

/** Opens an authentic code, where its client may still have browser sessions. */
export async function open(c: AppContext, service: Service, code: string): Promise<BrowserHandoff> {
  const opened = await openCode(service, code);
  if (!opened.ok) throw toCookieProblem(opened.refusal);
  c.set('sessionClientId', opened.handoff.client.id);
  return opened.handoff;
}

export async function exchange(
  c: AppContext,
  service: Service,
  handoff: BrowserHandoff,
  held: Held,
) {
  const caller = c.get('caller');
  const newcomer = () => findHandedOff(caller, service, handoff);
  const { client } = handoff;
  const placed = await placeAccount(caller, service, held, { client, newcomer });
  if (!placed.ok) throw toCookieProblem(placed.refusal);
  const result = await startInBrowser(caller, service, handoff, placed.former);
  return give(c, handoff, result, { outcome: 'started', index: placed.index });
}

/** The browser has the session: the code raises it, or is of a link that is opened again. */
export async function goOn(
  c: AppContext,
  service: Service,
  handoff: BrowserHandoff,
  { index, cookie }: OwnAccount,
) {
  if (handoff.authentication === undefined || handoff.isExpired) {
    c.set('outcome', 'unchanged');
    // An account whose session is over does not become current.
    if (index !== currentOf(c)) {
      const found = await findCookieCaller(c.get('caller'), service, cookie);
      if (!found.ok) throw toCookieProblem(found.refusal);
    }
    setCurrent(c, index);
    return c.redirect(handoff.returnUrl, 303);
  }
  const result = await stepUpInBrowser(c.get('caller'), service, handoff, cookie);
  return give(c, handoff, result, { outcome: 'authenticated', index });
}

function give(
  c: AppContext,
  { client, returnUrl }: BrowserHandoff,
  result: Result<{ tokens: Tokens }>,
  { outcome, index }: { outcome: string; index: number },
): Response {
  if (!result.ok) throw toCookieProblem(result.refusal);
  setSessionCookies(c, client, result.tokens, index);
  setCurrent(c, index);
  if (readStartCookie(c) !== null) setStartCookie(c, null);
  c.set('outcome', outcome);
  return c.redirect(returnUrl, 303);
}

/** Where the browser has the very session that the code was for: a link that is opened again. */
export function findOwn(
  { cookies }: Held,
  { sessionId, clientId }: OpenedHandoff,
): OwnAccount | null {
  for (const [index, cookie] of cookies)
    if (
      cookie !== null &&
      !cookie.token.mayBeForged &&
      cookie.token.sessionId === sessionId &&
      cookie.clientId === clientId
    )
      return { index, cookie };
  return null;
}

/** The words of the operation (service/start-in-browser.ts). */
export function invalidCode(): ProblemError {
  return new ProblemError('invalid_code');
}

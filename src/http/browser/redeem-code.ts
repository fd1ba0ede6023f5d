/**
 * What an authentic hand-off code comes to in this browser: a session, a step-up, or nothing new.
 */
import type { Tokens } from '../../service/issue-tokens';
import type { Result } from '../../service/refusal';
import type { Service } from '../../service/service';
import { type BrowserHandoff, openCode, startInBrowser } from '../../service/start-in-browser';
import { stepUpInBrowser } from '../../service/step-up-in-browser';
import type { OpenedHandoff } from '../../tokens/handoff-code';
import type { AppContext } from '../context';
import { ProblemError } from '../errors';
import { toProblemError } from '../refusals';
import type { verifyCookie } from './cookie-session';
import { readStartCookie, setSessionCookies, setStartCookie } from './cookies';

type Former = Awaited<ReturnType<typeof verifyCookie>>;

/** What an authentic code stands for, where the client may still have it. */
export async function open(c: AppContext, service: Service, code: string): Promise<BrowserHandoff> {
  const opened = await openCode(service, code);
  if (!opened.ok) throw toProblemError(opened.refusal);
  c.set('sessionClientId', opened.handoff.client.id);
  return opened.handoff;
}

export async function exchange(
  c: AppContext,
  service: Service,
  handoff: BrowserHandoff,
  former: Former,
) {
  const result = await startInBrowser(c.get('caller'), service, handoff, former);
  return give(c, handoff, result, 'started');
}

/** The browser has the session: the code raises it, or is of a link that is opened again. */
export async function goOn(
  c: AppContext,
  service: Service,
  handoff: BrowserHandoff,
  former: NonNullable<Former>,
) {
  if (handoff.authentication === undefined || handoff.isExpired) {
    c.set('outcome', 'unchanged');
    return c.redirect(handoff.returnUrl, 303);
  }
  const result = await stepUpInBrowser(c.get('caller'), service, handoff, former);
  return give(c, handoff, result, 'authenticated');
}

function give(
  c: AppContext,
  { client, returnUrl }: BrowserHandoff,
  result: Result<{ tokens: Tokens }>,
  outcome: string,
): Response {
  if (!result.ok) throw toProblemError(result.refusal);
  setSessionCookies(c, client, result.tokens);
  if (readStartCookie(c) !== null) setStartCookie(c, null);
  c.set('outcome', outcome);
  return c.redirect(returnUrl, 303);
}

/** Whether the browser has the very session that the code was for: a link that is opened again. */
export function isOf(
  former: Former,
  { sessionId, clientId }: OpenedHandoff,
): former is NonNullable<Former> {
  return (
    former !== null &&
    !former.token.mayBeForged &&
    former.token.sessionId === sessionId &&
    former.clientId === clientId
  );
}

/** As the operations say it (service/start-in-browser.ts). */
export function invalidCode(): ProblemError {
  return new ProblemError('invalid_code');
}

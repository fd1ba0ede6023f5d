/** Errors below /account, as a page: also where there is no route, or one of other methods. */
import { readSessionCookie } from '../browser/cookies';
import type { AppContext } from '../context';
import { type ProblemError, statusOf, toProblem } from '../errors';
import { toErrorKind } from './error-kind';
import { Message, type MessageProps, type Site, toApp } from './layout';
import { type Pages, render, setPageHeaders } from './pages';

export function accountErrors({ siteOf, policyFor }: Pages) {
  return async function answerWithPage(error: Error, c: AppContext): Promise<Response> {
    const problem = toProblem(error, c);
    const site = await siteOf(c);
    c.set('outcome', problem.code);
    const response = await render(
      c,
      <Message site={site} {...(await explain(problem, c, site))} />,
      {
        status: statusOf(problem),
        ...(problem.details.headers && { headers: problem.details.headers }),
      },
    );
    setPageHeaders(response.headers, policyFor());
    return response;
  };
}

async function explain(
  { code, details }: ProblemError,
  c: AppContext,
  site: Site,
): Promise<MessageProps> {
  const { texts, link } = site;
  const devices = { link: { href: link('/account'), text: texts.backToDevices } };
  const home = { link: toApp(site) };
  const kind = toErrorKind(code);
  switch (kind) {
    case 'ended':
      return details.members?.reason === 'reauthenticate'
        ? { title: texts.elsewhereTitle, lead: texts.elsewhereLead, ...home }
        : { title: texts.endedTitle, lead: texts.endedLead, ...home };
    case 'authenticate':
      return { title: texts.authenticateTitle, lead: texts.authenticateLead, ...home };
    case 'nothing':
      return { title: texts.notFoundTitle, lead: texts.notFoundLead, ...devices };
    case 'unavailable':
    case 'busy':
    case 'fault':
      return {
        title: texts[`${kind}Title`],
        // Nobody knows of a form whether it was done, so nothing is said of the session.
        lead: isPost(c) || readSessionCookie(c) === null ? '' : texts[`${kind}Lead`],
        ...(await tryAgain(c, site)),
      };
    case 'cross_site':
      return { title: texts.refusedTitle, lead: texts.refusedLead, ...devices };
    case 'full':
      return fullMessage(site);
    case 'spent':
      return { title: texts.spentTitle, lead: texts.spentLead, ...devices };
    case 'support':
      return { title: texts.refusedTitle, lead: texts.supportLead, ...devices };
    case 'unclear':
      return { title: texts.refusedTitle, lead: texts.unclearLead, ...devices };
  }
}

/** The message for a browser that can hold no more accounts. */
export const fullMessage = ({ texts, link }: Site): MessageProps => ({
  title: texts.fullTitle,
  lead: texts.fullLead,
  link: { href: link('/account/accounts'), text: texts.accountsTitle },
});

const isPost = (c: AppContext) => c.req.method === 'POST';

/** A way to make the same request once more, with what the person has filled in. */
async function tryAgain(
  c: AppContext,
  { texts, here }: Site,
): Promise<Pick<MessageProps, 'link' | 'again'>> {
  const text = texts.tryAgain;
  if (!isPost(c)) return { link: { href: here, text } };
  const body = new TextDecoder().decode(await c.req.arrayBuffer());
  return { again: { action: here, text, fields: [...new URLSearchParams(body)] } };
}

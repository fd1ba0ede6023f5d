/**
 * What goes wrong below /account, as a page: also where no route is, or a route of other methods.
 */
import type { Service } from '../../service/service';
import { readSessionCookie } from '../browser/cookies';
import type { AppContext } from '../context';
import { type ProblemError, statusOf, toProblem } from '../errors';
import { toErrorKind } from './error-kind';
import { Message, type MessageProps, type Site } from './layout';
import { type Pages, render, setPageHeaders } from './pages';

export function accountErrors({ config: { clients } }: Service, { siteOf, policyFor }: Pages) {
  return async function answerWithPage(error: Error, c: AppContext): Promise<Response> {
    const problem = toProblem(error, c);
    const site = await siteOf(c);
    const app = clients.get(clientOf(c) ?? '')?.pages.homeUrl ?? undefined;
    c.set('outcome', problem.code);
    const response = await render(c, <Message site={site} {...explain(problem, c, site, app)} />, {
      status: statusOf(problem),
      ...(problem.details.headers && { headers: problem.details.headers }),
    });
    setPageHeaders(response.headers, policyFor());
    return response;
  };
}

function explain(
  { code, details }: ProblemError,
  c: AppContext,
  site: Site,
  app: string | undefined,
): MessageProps {
  const { texts, link } = site;
  const devices = { link: { href: link('/account'), text: texts.backToDevices } };
  const toApp = app !== undefined && { link: { href: app, text: texts.goToApp } };
  const kind = toErrorKind(code);
  switch (kind) {
    case 'ended':
      return details.members?.reason === 'reauthenticate'
        ? { title: texts.elsewhereTitle, lead: texts.elsewhereLead, ...toApp }
        : { title: texts.endedTitle, lead: texts.endedLead, ...toApp };
    case 'authenticate':
      return { title: texts.authenticateTitle, lead: texts.authenticateLead, ...toApp };
    case 'nothing':
      return { title: texts.notFoundTitle, lead: texts.notFoundLead, ...devices };
    case 'unavailable':
    case 'busy':
    case 'fault':
      return {
        title: texts[`${kind}Title`],
        lead: texts[`${kind}Lead`],
        ...tryAgain(c, site),
      };
    case 'cross_site':
      return { title: texts.refusedTitle, lead: texts.refusedLead, ...devices };
    case 'full':
      return fullMessage(site);
    case 'spent':
      return { title: texts.spentTitle, lead: texts.spentLead, ...devices };
    case 'unclear':
      return { title: texts.refusedTitle, lead: texts.unclearLead, ...devices };
  }
}

/** Of a browser that can hold no more accounts. */
export const fullMessage = ({ texts, link }: Site): MessageProps => ({
  title: texts.fullTitle,
  lead: texts.fullLead,
  link: { href: link('/account/accounts'), text: texts.accountsTitle },
});

/** The same request once more. */
function tryAgain(c: AppContext, { texts, here }: Site): Pick<MessageProps, 'link' | 'again'> {
  const text = texts.tryAgain;
  return c.req.method === 'POST'
    ? { again: { action: here, text } }
    : { link: { href: here, text } };
}

/** Whose app the person came from, as far as the cookie says; nothing depends on it but a link. */
function clientOf(c: AppContext): string | null {
  return readSessionCookie(c)?.clientId ?? null;
}

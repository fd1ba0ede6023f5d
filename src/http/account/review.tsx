/**
 * "Was this you?" by the link of a mail. Mail programs open links: the page asks before it acts.
 */
import { toShownEvents } from '../../calls/account-view';
import { answerReview, readReview } from '../../service/review-event';
import type { Service } from '../../service/service';
import type { AppContext } from '../context';
import { ProblemError } from '../errors';
import { readField, readPageQuery } from '../input';
import { toProblemError } from '../refusals';
import { ActivityList } from './activity';
import { NotYouPage } from './confirm';
import { Layout, Message } from './layout';
import { type Pages, render } from './pages';

export function askByMail(service: Service, { siteOf }: Pages) {
  return async function askLink(c: AppContext): Promise<Response> {
    const { token = '' } = readPageQuery(c, ['token']);
    const read = await readReview(c.get('caller'), service, token);
    if (!read.ok) throw toProblemError(read.refusal);
    const site = await siteOf(c);
    const { event, session } = read.question;
    const of = new Map(session === null ? [] : [[session.id, session]]);
    const events = toShownEvents([event], of, null);
    const { texts, link } = site;
    return render(
      c,
      <Layout site={site} title={texts.wasThisYou}>
        <h1>{texts.wasThisYou}</h1>
        <ActivityList site={site} events={events} older={null} exact />
        <form method="post" action={link('/account/review')} class="row">
          <input type="hidden" name="token" value={token} />
          <button class="button" type="submit" name="answer" value="yes">
            {texts.ask_yes}
          </button>
          <button class="button danger" type="submit" name="answer" value="no">
            {texts.ask_no}
          </button>
        </form>
      </Layout>,
    );
  };
}

export function answerByMail(service: Service, { siteOf }: Pages) {
  const { clients } = service.config;
  return async function answerLink(c: AppContext): Promise<Response> {
    const [token, answer] = [await readField(c, 'token'), await readField(c, 'answer')];
    if (answer !== 'yes' && answer !== 'no') throw new ProblemError('invalid_request');
    const result = await answerReview(c.get('caller'), service, token, answer);
    if (!result.ok) throw toProblemError(result.refusal);
    const app = clients.get(result.session?.clientId ?? '')?.pages ?? null;
    const site = { ...(await siteOf(c)), app };
    const { texts, link } = site;
    const devices = { href: link('/account'), text: texts.backToDevices };
    return render(
      c,
      answer === 'yes' ? (
        <Message site={site} title={texts.thanksTitle} lead={texts.thanksLead} link={devices} />
      ) : (
        <NotYouPage site={site} isSignedIn={false} />
      ),
    );
  };
}

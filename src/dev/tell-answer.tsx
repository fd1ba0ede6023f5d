/** The answer to `GET /demo/answer`: what the service did with a call that the page has made. */

import { lastCronRun, linesOf } from './log-lines';
import { findCall } from './seen-calls';
import { CallAnswer, CronAnswer, NoAnswer, type ShownEvent } from './told-answers';

/** `askForEvents` reads the security log, newest first. */
export async function tellAnswer(
  { searchParams }: URL,
  askForEvents: () => Promise<ShownEvent[]>,
): Promise<Response> {
  const asked = (name: string) => searchParams.get(name) ?? '';
  return new Response(`${await toAnswer(asked, askForEvents)}`, {
    headers: { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' },
  });
}

async function toAnswer(
  asked: (name: string) => string,
  askForEvents: () => Promise<ShownEvent[]>,
) {
  const who = asked('who');
  const status = asked('status');
  if (asked('path').startsWith('/cdn-cgi/')) {
    const run = lastCronRun();
    return run !== undefined && status === '200' ? (
      <CronAnswer who={who} status={status} line={run} />
    ) : (
      <NoAnswer who={who} text={`The run failed (${status}): the log says why.`} />
    );
  }
  const call = findCall(asked('request'));
  const { own: line, events } = linesOf(asked('request'));
  if (call === undefined || line === undefined)
    return (
      <NoAnswer
        who={who}
        text={
          asked('path').includes('/demo/replay')
            ? 'There is no old token: the session was over before a refresh replaced one.'
            : `The service answered ${status}: the log says why.`
        }
      />
    );
  const ids = events.map(({ event_id }) => event_id);
  const written = ids.length === 0 ? [] : await askForEvents();
  const shown = written.filter(({ id }) => ids.includes(id));
  return <CallAnswer who={who} call={call} line={line} events={shown} />;
}

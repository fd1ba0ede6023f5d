/**
 * Step-up on the way: a request that a resource answers by asking for a more recent or stronger
 * authentication (RFC 9470 §3) waits until the person has authenticated, and is sent once more. It
 * stands beside the client, whose size an app that needs none of it does not pay for.
 */
import { isStepUp, isStream, untilAborted } from './authorized-fetch';
import type { SessionClient } from './types';

/**
 * A `fetch` like the session's own. `authenticate` is called with the challenge, the resource's
 * `WWW-Authenticate`, and resolves to whether the person did; then the session is refreshed, and
 * the request is sent once more. Requests that are challenged meanwhile wait for the same, and one
 * that was sent before and is challenged afterwards is sent again first. Where the person declines,
 * and for a body that is a stream, the 401 is the answer.
 */
export function withStepUp(
  session: Pick<SessionClient, 'fetch' | 'refresh'>,
  authenticate: (challenge: string) => Promise<boolean>,
): SessionClient['fetch'] {
  let underWay: Promise<boolean> | null = null;
  /** How often the person has authenticated. */
  let times = 0;

  async function ask(challenge: string): Promise<boolean> {
    const isDone = await authenticate(challenge);
    if (isDone) await session.refresh();
    if (isDone) times += 1;
    return isDone;
  }

  return async (input, init = {}) => {
    const request = typeof input === 'object' && 'url' in input ? input : null;
    // A Request can be sent once; its clones can each be.
    const whole = request && new Request(request, init);
    const send = () => (whole ? session.fetch(whole.clone()) : session.fetch(input, init));
    const before = times;
    let response = await send();
    if (!isChallenge(response) || (!whole && isStream(init.body))) return response;
    if (before !== times) response = await send();
    if (!isChallenge(response)) return response;
    underWay ??= ask(response.headers.get('WWW-Authenticate') ?? '').finally(() => {
      underWay = null;
    });
    return (await untilAborted(underWay, init.signal ?? request?.signal)) ? send() : response;
  };
}

const isChallenge = (response: Response) => response.status === 401 && isStepUp(response);

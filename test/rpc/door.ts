/**
 * The calls of Workers that are bound to a test's service, by the client that each binding names.
 */
import { callsOf } from '../../src/calls/calls';
import type { Answer, Refusal, SessionsCalls } from '../../src/client/rpc';
import { parseConfig } from '../../src/config/config';
import { createService } from '../../src/service/service';
import type { TestService } from '../fixtures';

export interface Bound extends SessionsCalls {
  /** What is to be done after the answers. */
  afterwards: Promise<unknown>[];
}

/** As a binding with `props: { clientId }`; what is no text stands for other props. */
export function bind(
  { env, clock }: TestService,
  clientId: unknown,
  send: typeof fetch = fetch,
): Bound {
  const service = createService(env, parseConfig(env), () => clock.now, send);
  const afterwards: Promise<unknown>[] = [];
  const calls = callsOf({
    name: 'rpc',
    service: () => service,
    clientId,
    waitUntil: (work) => afterwards.push(work),
  });
  return { ...calls, afterwards };
}

export function valueIn<Value>(answer: Answer<Value>): Value {
  if (!answer.ok) throw new Error(`refused: ${JSON.stringify(answer)}`);
  return answer.value;
}

export function refusalOf(
  answer: Answer<unknown>,
): Omit<Refusal, 'ok' | 'request_id' | 'bookmark'> {
  if (answer.ok) throw new Error(`answered: ${JSON.stringify(answer)}`);
  const { ok, request_id, bookmark, ...refusal } = answer;
  return refusal;
}

/**
 * A team's endpoint: takes messages as the test tells it to, and verifies each with the scheme's
 * own library.
 */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { Webhook } from 'standardwebhooks';
import type { Env } from '../../src/env';
import { runScheduled } from '../../src/scheduled';
import { startService, type TestService } from '../fixtures';

export const SECRET = `whsec_${btoa('a webhook secret of the tests 01')}`;
export const FORMER_SECRET = `whsec_${btoa('a former webhook secret of them!')}`;

export interface Received {
  url: string;
  id: string;
  headers: Record<string, string>;
  text: string;
}

export interface Receiver {
  send: typeof fetch;
  /** What it accepted. */
  accepted: Received[];
  /** Everything that arrived. */
  arrived: Received[];
  /** Answers a message. 200 accepts. */
  answer: (message: Received) => Response | Promise<Response>;
}

export function openReceiver(): Receiver {
  const receiver: Receiver = {
    accepted: [],
    arrived: [],
    answer: () => new Response(null, { status: 200 }),
    send: async (input, init) => {
      const request = new Request(input, init);
      const headers = Object.fromEntries(request.headers);
      const message = {
        url: request.url,
        id: headers['webhook-id'] ?? '',
        headers,
        text: new TextDecoder().decode(await request.arrayBuffer()),
      };
      receiver.arrived.push(message);
      const response = await receiver.answer(message);
      if (response.ok) receiver.accepted.push(message);
      return response;
    },
  };
  return receiver;
}

export function verify({ text, headers }: Received, secret = SECRET): unknown {
  return new Webhook(secret).verify(text, headers);
}

/** With a secret of its own; that of `team` is `SECRET`. */
export const endpoint = (name: string, more: Record<string, unknown> = {}) => ({
  name,
  url: `https://${name}.example/hooks`,
  secret: name === 'team' ? SECRET : `whsec_${btoa(`the webhook secret of ${name} in tests`)}`,
  ...more,
});

/**
 * A service with these endpoints, whose clock is the real one, because the library looks at that.
 */
export async function startTelling(
  endpoints: Record<string, unknown>[],
  variables: Partial<Omit<Env, 'DB'>> = {},
): Promise<{ service: TestService; receiver: Receiver; runCron: () => Promise<void> }> {
  const receiver = openReceiver();
  const service = await startService(
    { WEBHOOKS: JSON.stringify(endpoints), ...variables },
    { now: Math.floor(Date.now() / 1000) * 1000 },
    receiver.send,
  );
  const runCron = () => runScheduled(service.env, service.clock.now, undefined, receiver.send);
  return { service, receiver, runCron };
}

/** Makes requests with an execution context, and waits for what outlives their answers. */
export async function outliving<T>(service: TestService, work: () => Promise<T>): Promise<T> {
  const { request } = service.app;
  const context = createExecutionContext();
  service.app.request = (input, init, env) => request(input, init, env, context);
  try {
    return await work();
  } finally {
    service.app.request = request;
    await waitOnExecutionContext(context);
  }
}

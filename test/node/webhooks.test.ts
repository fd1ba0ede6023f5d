/**
 * Webhooks over real HTTP: the service as it is run, and an endpoint that listens, is slow, or is
 * not there.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { completeDevVars } from '../../scripts/dev-vars.ts';
import { findFreePort } from '../../scripts/free-port.ts';
import { type Service, startService } from './service.ts';

const SECRET = `whsec_${randomBytes(32).toString('base64')}`;

/** How many messages were not waited for until they were accepted. */
let givenUp = 0;

interface Received {
  headers: Record<string, string>;
  text: string;
}

/** Accepts at once, or when it may. */
function listen(port: number, received: Received[], may?: Promise<void>): Promise<Server> {
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    received.push({ headers: request.headers as Record<string, string>, text });
    response.once('close', () => {
      if (!response.writableFinished) givenUp += 1;
    });
    await may;
    response.writeHead(200).end();
  });
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(server)));
}

describe('webhooks', () => {
  let service: Service;
  let receiver: Server;
  const received: Received[] = [];
  const late: Received[] = [];
  let latePort: number;
  let slow: Server;
  const waiting: Received[] = [];
  const { promise: mayAccept, resolve: letAccept } = Promise.withResolvers<void>();
  let redirecting: Server;
  const redirected: string[] = [];

  beforeAll(async () => {
    receiver = await listen(0, received);
    slow = await listen(0, waiting, mayAccept);
    // Sends whoever comes elsewhere, and notes who goes there.
    redirecting = createServer(({ url = '' }, response) => {
      redirected.push(url);
      response.writeHead(307, { location: '/elsewhere' }).end();
    });
    await new Promise<void>((resolve) => redirecting.listen(0, '127.0.0.1', resolve));
    latePort = await findFreePort();
    const endpoint = (name: string, port: number) => ({
      name,
      url: `http://127.0.0.1:${port}/`,
      secret: name === 'here' ? SECRET : `whsec_${randomBytes(32).toString('base64')}`,
      events: ['session_created'],
    });
    const port = (server: Server) => (server.address() as AddressInfo).port;
    const webhooks = [
      endpoint('here', port(receiver)),
      endpoint('slow', port(slow)),
      endpoint('late', latePort),
      endpoint('redirecting', port(redirecting)),
    ];
    service = await startService(['--var', `WEBHOOKS:${JSON.stringify(webhooks)}`]);
  });

  afterAll(async () => {
    await service?.stop();
    receiver?.close();
    slow?.close();
    slow?.closeAllConnections();
    redirecting?.close();
    redirecting?.closeAllConnections();
  });

  async function create(): Promise<void> {
    const { DEMO_CLIENT_ID: id, DEMO_CLIENT_SECRET: secret } = completeDevVars(service.devVarsFile);
    const response = await fetch(`${service.origin}/v1/sessions`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Basic ${btoa(`${id}:${secret}`)}`,
      },
      body: '{"client_id":"demo-app"}',
    });
    expect(response.status).toBe(201);
  }

  it('an event arrives at once and is verified; who is slow or not there delays nobody', async () => {
    await create();
    await create();
    // Both are answered while the slow endpoint has accepted nothing, and is still waited for.
    expect(givenUp).toBe(0);
    await vi.waitFor(() => expect(received).toHaveLength(2), 60_000);
    await vi.waitFor(() => expect(waiting.length).toBeGreaterThan(0), 60_000);
    letAccept();
    for (const { text, headers } of received)
      expect(new Webhook(SECRET).verify(text, headers)).toMatchObject({ type: 'session_created' });
  });

  it('who was not there is told by the cron, under the same ids', async () => {
    const server = await listen(latePort, late);
    try {
      // The first attempt's back-off is five seconds.
      await vi.waitFor(
        async () => {
          expect((await fetch(`${service.origin}/cdn-cgi/handler/scheduled`)).status).toBe(200);
          expect(late).toHaveLength(2);
        },
        { timeout: 120_000, interval: 1_000 },
      );
    } finally {
      server.close();
    }
    // The signed message goes where it was configured to go, and nowhere else.
    expect(new Set(redirected)).toEqual(new Set(['/']));
    const ids = (messages: Received[]) =>
      messages.map(({ headers }) => headers['webhook-id']).sort();
    expect(ids(late)).toEqual(ids(received));
  });
});

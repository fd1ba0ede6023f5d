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
import { findFreePort, type Service, startService } from './service.ts';

const SECRET = `whsec_${randomBytes(32).toString('base64')}`;

interface Received {
  headers: Record<string, string>;
  text: string;
}

/** Accepts after `delayMs`. */
function listen(port: number, received: Received[], delayMs = 0): Promise<Server> {
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    received.push({ headers: request.headers as Record<string, string>, text });
    setTimeout(() => response.writeHead(200).end(), delayMs);
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
  let redirecting: Server;
  const redirected: string[] = [];

  beforeAll(async () => {
    receiver = await listen(0, received);
    slow = await listen(0, [], 8_000);
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

  async function create(): Promise<number> {
    const { DEMO_CLIENT_ID: id, DEMO_CLIENT_SECRET: secret } = completeDevVars(service.devVarsFile);
    const started = performance.now();
    const response = await fetch(`${service.origin}/v1/sessions`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Basic ${btoa(`${id}:${secret}`)}`,
      },
      body: '{"client_id":"demo-app"}',
    });
    expect(response.status).toBe(201);
    return performance.now() - started;
  }

  it('an event arrives at once and is verified; who is slow or not there delays nobody', async () => {
    await create();
    // Far below the eight seconds that the slow endpoint takes.
    expect(await create()).toBeLessThan(4_000);
    await vi.waitFor(() => expect(received).toHaveLength(2), 10_000);
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
        { timeout: 30_000, interval: 1_000 },
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

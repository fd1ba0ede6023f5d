/**
 * A network between Chromium and the service that can be cut: before a request reaches the service,
 * or after it has answered.
 */
import { createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Fate = 'pass' | 'cut before' | 'cut after' | Promise<unknown>;

export interface Network {
  origin: string;
  /** What becomes of a request; a promise holds its answer back. */
  decide: (path: string) => Fate;
  cuts: { before: number; after: number };
  stop: () => Promise<void>;
}

export async function startProxy(target: string): Promise<Network> {
  const { hostname, port, host } = new URL(target);
  const server = createServer((incoming, outgoing) => {
    const path = incoming.url ?? '/';
    const fate = incoming.method === 'OPTIONS' ? 'pass' : proxy.decide(path);
    if (fate === 'cut before') {
      proxy.cuts.before += 1;
      incoming.socket.destroy();
      return;
    }
    const { method, headers } = incoming;
    // A connection of its own: nothing is cut but what a test cuts, and one that was kept may have
    // been closed at the other end.
    const forwarded = send(
      { hostname, port, path, method, headers: { ...headers, host }, agent: false },
      async (answer) => {
        if (fate === 'cut after') {
          // The service has answered, so what it did is done.
          proxy.cuts.after += 1;
          answer.resume().once('end', () => incoming.socket.destroy());
          return;
        }
        if (typeof fate === 'object') await fate;
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    forwarded.once('error', () => incoming.socket.destroy());
    incoming.pipe(forwarded);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const proxy: Network = {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    decide: () => 'pass',
    cuts: { before: 0, after: 0 },
    stop: () =>
      new Promise((stopped) => {
        server.close(() => stopped());
        server.closeAllConnections();
      }),
  };
  return proxy;
}

/** The app's API: it answers as a trial says, with what it was sent. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Its answer to a request that is no preflight. */
export type Api = (
  path: string,
  headers: IncomingHttpHeaders,
) => { status: number; headers?: Record<string, string> };

export const WORKS: Api = () => ({ status: 200 });
export const REFUSES: Api = () => ({ status: 401 });
/** RFC 9470 §3. */
export const ASKS_FOR_MORE: Api = () => ({
  status: 401,
  headers: {
    'www-authenticate': 'Bearer error="insufficient_user_authentication", max_age="300"',
  },
});

export async function startApi(current: () => Api): Promise<{ url: URL; stop(): void }> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { headers, method, url = '/' } = request;
    const answer = method === 'OPTIONS' ? { status: 204 } : current()(url, headers);
    response
      .writeHead(answer.status, {
        'access-control-allow-origin': headers.origin ?? '*',
        'access-control-allow-credentials': 'true',
        'access-control-allow-headers': 'authorization, content-type',
        'access-control-expose-headers': 'WWW-Authenticate',
        ...('headers' in answer && answer.headers),
      })
      .end(answer.status === 204 ? undefined : Buffer.concat(chunks));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

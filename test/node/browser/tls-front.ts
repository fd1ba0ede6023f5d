/**
 * The hosts of a deployment as a browser meets them: real names over https on one local port. It
 * ends TLS by a certificate that is made here, and passes requests on by their `Host`, unchanged.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type IncomingMessage, request as send } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What is answered at once. */
interface Answer {
  type: string;
  body: string;
  status?: number;
  headers?: Record<string, string>;
}

/**
 * Where a request goes: to a server that speaks http, whose answer may be lost, or straight back; an
 * answer that is cut ends within its body.
 */
export type Target = URL | { lostFrom: URL } | { cut: true } | Answer;

export interface Front {
  /** Chromium's switches that lead every name here. */
  args: string[];
  /** What was asked for, in order. */
  requests: { url: string; method: string; headers: IncomingMessage['headers'] }[];
  stop: () => Promise<void>;
}

/** `route` gets the host and the path, without the query; null: 404. By default on a free port. */
export async function startFront(
  route: (host: string, path: string, headers: IncomingMessage['headers']) => Target | null,
  listenOn = 0,
): Promise<Front> {
  const requests: Front['requests'] = [];
  const server = createServer(makeCertificate(), (incoming, outgoing) => {
    const { method = 'GET', headers, url = '/' } = incoming;
    const host = headers.host ?? '';
    requests.push({ url: `https://${host}${url}`, method, headers });
    const target = route(host, url.split('?')[0] as string, headers);
    if (target === null) return void outgoing.writeHead(404).end();
    if ('body' in target) {
      const { type, body, status = 200, headers: own } = target;
      const all = { 'content-type': `${type}; charset=utf-8`, ...own };
      return void outgoing.writeHead(status, all).end(body);
    }
    if ('cut' in target) {
      const { origin = '*' } = headers;
      outgoing.writeHead(200, {
        'content-type': 'application/json',
        'content-length': '1000',
        'access-control-allow-origin': origin,
        'access-control-allow-credentials': 'true',
      });
      outgoing.write('{"access_token":', () => incoming.socket.destroy());
      return undefined;
    }
    const isLost = 'lostFrom' in target;
    const { hostname, port } = isLost ? target.lostFrom : target;
    // Without an agent: a connection that it has kept may have been closed at the other end.
    const to = { hostname, port, path: url, method, headers, agent: false };
    const forwarded = send(to, (answer) => {
      if (isLost) return void answer.resume().once('end', () => incoming.socket.destroy());
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    forwarded.once('error', () => incoming.socket.destroy());
    incoming.pipe(forwarded);
  });
  await new Promise<void>((listening) => server.listen(listenOn, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    args: [`--host-resolver-rules=MAP * 127.0.0.1:${port}`, '--ignore-certificate-errors'],
    requests,
    stop: () =>
      new Promise((stopped) => {
        server.close(() => stopped());
        server.closeAllConnections();
      }),
  };
}

function makeCertificate(): { key: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'edge-sessions-tls-'));
  try {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const names = ['-subj', '/CN=example.test', '-addext', 'subjectAltName=DNS:*.example.test'];
    const files = ['-keyout', key, '-out', cert, '-days', '2'];
    execFileSync('openssl', ['req', ...kind, ...names, ...files], { stdio: 'pipe' });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A closed loop: so many connections, each sending its next request when the last was answered. */
import { Agent, request } from 'node:http';

export interface Answer {
  status: number;
  body: string;
}

export interface Round {
  requests: number;
  errors: number;
  seconds: number;
  /** Milliseconds each. */
  latencies: number[];
}

export interface Call {
  method: string;
  url: URL;
  headers?: Record<string, string>;
  body?: string;
}

const agent = new Agent({ keepAlive: true, maxSockets: 256 });

export function send({ method, url, headers = {}, body = '' }: Call): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sized = { ...headers, 'content-length': String(Buffer.byteLength(body)) };
    const outgoing = request(url, { method, agent, headers: sized }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
      );
      response.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** `step` sends one request on a connection and says whether the answer was the right one. */
export async function run(
  connections: number,
  seconds: number,
  step: (connection: number) => Promise<boolean>,
): Promise<Round> {
  const latencies: number[] = [];
  let errors = 0;
  const started = performance.now();
  const end = started + seconds * 1000;
  const loop = async (_: unknown, connection: number) => {
    while (performance.now() < end) {
      const sent = performance.now();
      const isRight = await step(connection).catch(() => false);
      latencies.push(performance.now() - sent);
      if (!isRight) errors += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, loop));
  return {
    requests: latencies.length,
    errors,
    seconds: (performance.now() - started) / 1000,
    latencies,
  };
}

export function closeConnections(): void {
  agent.destroy();
}

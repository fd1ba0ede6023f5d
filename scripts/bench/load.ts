/** A closed loop: so many connections, each sending its next request when the last was answered. */
import { Agent, request } from 'node:http';
import { readCpuMs } from './cpu.ts';

/** What is sent as User-Agent unless a call says: a session is compared by it, as in the field. */
export const USER_AGENT =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36';

export interface Answer {
  status: number;
  body: string;
}

export interface Round {
  requests: number;
  /** Why each answer that was not the expected one was not, in words. */
  errors: string[];
  seconds: number;
  /** CPU that workerd took, in milliseconds; null where the system does not say. */
  cpuMs: number | null;
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
    const sent = {
      'user-agent': USER_AGENT,
      ...headers,
      'content-length': String(Buffer.byteLength(body)),
    };
    const outgoing = request(url, { method, agent, headers: sent }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
      );
      response.on('error', reject);
    });
    // A connection that was idle may be closed while the request is on its way: Node says which
    // was.
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      if (!outgoing.reusedSocket || error.code !== 'ECONNRESET') return reject(error);
      send({ method, url, headers, body }).then(resolve, reject);
    });
    outgoing.end(body);
  });
}

/** Sends a call. Throws, saying what came instead, unless the answer has this status. */
export async function ask(call: Call, status = 200): Promise<Answer> {
  const answer = await send(call);
  if (answer.status !== status)
    throw new Error(`${call.method} ${call.url.pathname} answered ${describe(answer)}`);
  return answer;
}

/** The status, and what the body says is wrong: members of OAuth's errors and problem details. */
function describe({ status, body }: Answer): string {
  try {
    const { error, reason, code, error_description, detail } = JSON.parse(body);
    const parts = [error, code, reason, error_description, detail];
    return [status, ...parts.filter((part) => typeof part === 'string')].join(' ');
  } catch {
    return `${status} ${JSON.stringify(body.slice(0, 200))}`;
  }
}

/** `step` sends one request on a connection and throws when the answer is not the right one. */
export async function run(
  connections: number,
  seconds: number,
  step: (connection: number) => Promise<unknown>,
): Promise<Round> {
  const latencies: number[] = [];
  const errors: string[] = [];
  const cpuBefore = readCpuMs();
  const started = performance.now();
  const end = started + seconds * 1000;
  const loop = async (_: unknown, connection: number) => {
    while (performance.now() < end) {
      const sent = performance.now();
      await step(connection).catch((error: unknown) => errors.push(toReason(error)));
      latencies.push(performance.now() - sent);
    }
  };
  await Promise.all(Array.from({ length: connections }, loop));
  const cpuAfter = readCpuMs();
  return {
    requests: latencies.length,
    errors,
    cpuMs: cpuBefore === null || cpuAfter === null ? null : cpuAfter - cpuBefore,
    seconds: (performance.now() - started) / 1000,
    latencies,
  };
}

/** A connection that breaks says so by its code. */
function toReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error ? `${error.code}: ${error.message}` : error.message;
}

/** Says each reason once, with how often it was given. */
export function printErrors(operation: string, errors: readonly string[]): void {
  for (const [reason, same] of Map.groupBy(errors, (error) => error))
    console.error(`${operation}: ${same.length} × ${reason}`);
}

export function closeConnections(): void {
  agent.destroy();
}

/**
 * `npm run bench:revocations`: what the revocation list costs after a clean-up has ended very many
 * sessions at once. Fills a local D1 database, and asks the built service under workerd for its
 * list as the product's own verifier does: bytes sent, rows read, milliseconds to make and to read
 * it, and of a verification with it, beside the same with an empty list. Options: --sessions,
 * --people (signed out everywhere), --verifications.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import type * as Verify from '../../src/client/verify/index.ts';
import { bundleModule } from '../bundle-client.ts';
import { ask, closeConnections } from './load.ts';
import { type Database, startWorkers, type Workers } from './workers.ts';

const { values } = parseArgs({
  options: {
    sessions: { type: 'string', default: '100000' },
    people: { type: 'string', default: '20000' },
    verifications: { type: 'string', default: '2000' },
  },
});
const { sessions, people, verifications } = Object.fromEntries(
  Object.entries(values).map(([name, value]) => [name, Number(value)]),
) as Record<keyof typeof values, number>;

/** What the bench's services are configured with (workers.ts). */
const ISSUER = 'http://localhost:8787';
const AUDIENCE = 'urn:bench';
/** Rows of one INSERT: D1 gives a statement 30 seconds. */
const SLICE = 50_000;
/** The list's own max-age is 10 s; the next one is made after it. */
const AFTER_ITS_MAX_AGE_MS = 11_000;

const folder = mkdtempSync(join(tmpdir(), 'revocations-'));
const workers = await startWorkers();
try {
  const { createAccessTokenVerifier } = await loadVerifier();
  const rows = [];
  for (const [name, base] of [
    ['empty', workers.strict],
    ['full', workers.full],
  ] as const) {
    if (name === 'full') await fill(await workers.database('full'));
    rows.push(await measure(name, base, createAccessTokenVerifier));
  }
  console.table(rows);
  console.log(`${sessions} sessions and ${people} people ended within the life of a token.`);
} finally {
  closeConnections();
  await workers.stop();
  rmSync(folder, { recursive: true });
}

async function loadVerifier(): Promise<typeof Verify> {
  const file = join(folder, 'verify.mjs');
  writeFileSync(file, await bundleModule('src/client/verify/index.ts'));
  return import(file);
}

async function measure(name: string, base: URL, create: typeof Verify.createAccessTokenVerifier) {
  const token = await start(base);
  const bytes = { list: 0 };
  const verifier = create({
    issuer: ISSUER,
    audience: AUDIENCE,
    revocations: { pollSeconds: 3_600 },
    fetch: async (input, init) => {
      const response = await fetch(new URL(new URL(String(input)).pathname, base), init);
      if (!String(input).endsWith('/revocations')) return response;
      const text = await response.text();
      bytes.list = Buffer.byteLength(text);
      return new Response(text, response);
    },
  });
  const list: Parameters<typeof ask>[0] = {
    method: 'GET',
    url: new URL('/.well-known/revocations', base),
  };
  workers.takeLog();
  const made = await timed(() => ask(list));
  const first = await rowsRead(workers);
  const kept = await timed(() => ask(list));
  await new Promise((resolve) => setTimeout(resolve, AFTER_ITS_MAX_AGE_MS));
  workers.takeLog();
  const remade = await timed(() => ask(list));
  const again = await rowsRead(workers);
  const read = await timed(() => verifier.verify(token));
  const verified = await timed(async () => {
    for (let count = 0; count < verifications; count += 1) {
      const verdict = await verifier.verify(token);
      if (!verdict.ok) throw new Error(`a good token was refused: ${verdict.error}`);
    }
  });
  return {
    list: name,
    bytes: bytes.list,
    gzip: gzipSync(made.result.body).byteLength,
    'rows read, first': first,
    'rows read, next': again,
    'ms to make, first': made.ms.toFixed(1),
    'ms to make, next': remade.ms.toFixed(1),
    'ms, kept': kept.ms.toFixed(1),
    'ms to read': read.ms.toFixed(1),
    'ms a verification': (verified.ms / verifications).toFixed(3),
  };
}

async function start(base: URL): Promise<string> {
  const { body } = await ask(
    {
      method: 'POST',
      url: new URL('/v1/sessions', base),
      headers: { 'content-type': 'application/json', authorization: workers.authorization },
      body: JSON.stringify({ client_id: 'app', user_id: crypto.randomUUID() }),
    },
    201,
  );
  return JSON.parse(body).access_token;
}

async function timed<T>(work: () => Promise<T>): Promise<{ ms: number; result: T }> {
  const began = performance.now();
  const result = await work();
  return { ms: performance.now() - began, result };
}

/** By the service's own log. */
async function rowsRead({ takeLog }: Workers): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 200));
  return takeLog()
    .filter(({ event }) => event === 'request')
    .reduce((sum, { d1_rows_read }) => sum + (d1_rows_read as number), 0);
}

/** As credential stuffing's clean-up leaves a database: all within the last seconds. */
async function fill(database: Database): Promise<void> {
  const now = Math.floor(Date.now() / 1000);
  const count = (from: number, to: number) =>
    `WITH RECURSIVE n(i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM n WHERE i < ${to - 1})`;
  for (let from = 0; from < sessions; from += SLICE)
    await database
      .prepare(
        `INSERT INTO user_sessions (refresh_token, revoked_at) ${count(from, Math.min(sessions, from + SLICE))} SELECT i, ${now} FROM n`,
      )
      .run();
  await database
    .prepare(
      `INSERT INTO outdated_tokens (subject, not_before, expires_at) ${count(0, people)} SELECT 'user-' || i, ${now}, 253402300799 FROM n`,
    )
    .run();
}

/**
 * `edge-sessions import` into a running service, from what the real systems had (exports.ts): who
 * was signed in there is signed in here.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Service, startService } from '../service.ts';
import { readRecorded, writeDatabase, writeJson, writeJsonLines } from './exports.ts';

const run = promisify(execFile);
const CLI = resolve(import.meta.dirname, '../../../scripts/cli.ts');
const IMPORTER = { id: 'importer', secret: 'the-secret-of-the-importer-of-the-tests' };
const APP = 'demo-app';

let service: Service;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'edge-sessions-import-'));
  const until = new Date(Date.now() + 90 * 86_400_000).toISOString().replace(/\.\d+/, '');
  const importer = {
    client_id: IMPORTER.id,
    secret_sha256: createHash('sha256').update(IMPORTER.secret).digest('hex'),
    allow: ['import_sessions'],
    for_clients: [APP],
  };
  const vars = ['--var', `IMPORTED_SESSIONS_UNTIL:${until}`, '--var', 'REFRESH_GRACE_SECONDS:1'];
  service = await startService(vars, {}, [importer]);
});
afterAll(async () => {
  await service.stop();
  rmSync(folder, { recursive: true });
});

interface Report {
  rows: number;
  taken: number;
  already_there: number;
  to_bring?: number;
  left: { row: number; user: string | null; reason: string }[];
}

async function runImport(args: string[], secret = ''): Promise<Report> {
  const { stdout } = await run(
    process.execPath,
    [CLI, 'import', '--client', APP, '--json', ...args],
    {
      env: {
        ...process.env,
        SERVICE_URL: service.origin,
        CLIENT_ID: IMPORTER.id,
        CLIENT_SECRET: IMPORTER.secret,
        OLD_SECRET: secret,
      },
    },
  );
  return JSON.parse(stdout);
}

async function ask(fields: Record<string, string>) {
  const response = await fetch(`${service.origin}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: APP, ...fields }),
  });
  const body = (await response.json()) as Record<string, string>;
  return { status: response.status, body };
}

const exchange = (token: string) =>
  ask({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token_type: 'urn:edge-sessions:token-type:imported-session',
    subject_token: token,
  });
const refresh = (token = '') => ask({ grant_type: 'refresh_token', refresh_token: token });

const ISSUER = ['--issuer', 'https://old.example'];
const CASES: [
  string,
  string[],
  { file: 'sqlite' | 'json' | 'jsonl'; taken: number; why: string },
][] = [
  ['better-auth', ISSUER, { file: 'sqlite', taken: 1, why: 'expired' }],
  ['supabase', [], { file: 'json', taken: 2, why: 'expired' }],
  ['lucia', ISSUER, { file: 'sqlite', taken: 1, why: 'expired' }],
  ['authjs', [], { file: 'sqlite', taken: 1, why: 'expired' }],
  ['express-session', ISSUER, { file: 'jsonl', taken: 1, why: 'nobody_signed_in' }],
];

describe.each(CASES)('from %s', (system, options, { file, taken, why }) => {
  const recorded = readRecorded(system);
  const [live = '', over = '', ...others] = recorded.presented;
  const args = () => ['--from', system, '--file', join(folder, `${system}.${file}`), ...options];
  beforeAll(() => {
    const path = join(folder, `${system}.${file}`);
    if (file === 'sqlite') writeDatabase(path, recorded);
    else (file === 'json' ? writeJson : writeJsonLines)(path, recorded.rows);
  });

  it('a dry run says what would be brought, and brings nothing', async () => {
    const report = await runImport([...args(), '--dry-run'], recorded.secret);
    expect(report).toMatchObject({ rows: recorded.rows.length, to_bring: taken, taken: 0 });
    expect((await exchange(live)).status).toBe(400);
  });

  it('what lives is taken in, what is over is left, and a second run changes nothing', async () => {
    const first = await runImport(args(), recorded.secret);
    expect(first).toMatchObject({ taken, already_there: 0 });
    expect(first.left.map(({ row, reason }) => ({ row, reason }))).toEqual([
      { row: 2, reason: why },
    ]);
    const second = await runImport(args(), recorded.secret);
    expect(second).toMatchObject({ taken: 0, already_there: taken });
  });

  it('whoever was signed in refreshes with what they have, once; a second try is refused', async () => {
    const { status, body } = await exchange(live);
    expect(status, JSON.stringify(body)).toBe(200);
    await sleep(1100);
    expect((await refresh(body.refresh_token)).status).toBe(200);
    expect((await exchange(live)).body).toMatchObject({
      error: 'invalid_grant',
      reason: 'reuse_detected',
    });
  });

  it('whoever was not is refused, and told nothing', async () => {
    const { status, body } = await exchange(over);
    expect(status).toBe(400);
    expect(body).not.toHaveProperty('reason');
  });

  it.runIf(others.length > 0)('those of its newer tokens refresh too', async () => {
    for (const token of others) expect((await exchange(token)).status).toBe(200);
  });
});

describe('the command', () => {
  const betterAuth = readRecorded('better-auth');
  const fileOf = (name: string, rows = betterAuth.rows) =>
    writeJson(join(folder, `${name}.json`), rows);
  const failing = async (args: string[]) =>
    runImport(args).then(
      () => 'nothing',
      (error: { stderr: string }) => error.stderr,
    );

  it('asks for the secret of signed cookies, or to be told that they are not', async () => {
    const from = ['--from', 'better-auth', '--file', fileOf('signed'), ...ISSUER];
    expect(await failing(from)).toContain('OLD_SECRET');
    const rows = betterAuth.rows.map((row) => ({ ...row, token: `of-another-${row.token}` }));
    const file = fileOf('unsigned', rows);
    const unsigned = ['--from', 'better-auth', '--file', file, ...ISSUER, '--unsigned'];
    expect(await runImport(unsigned)).toMatchObject({ taken: 1 });
    expect((await exchange(`${rows[0]?.token}`)).status).toBe(200);
  });

  it('leaves people whom nothing but their old id names', async () => {
    const from = ['--from', 'better-auth', '--file', fileOf('no-issuer'), '--unsigned'];
    const { left } = await runImport(from);
    expect(left.map(({ reason }) => reason)).toEqual(['user_is_no_uuid', 'expired']);
  });

  it('refuses what is no export, without repeating what is in it', async () => {
    const file = join(folder, 'export.csv');
    writeFileSync(file, 'token,user\nsecret,1');
    const told = await failing(['--from', 'lucia', '--file', file]);
    expect(told).toContain('no SQLite database');
    expect(told).not.toContain('secret');
  });
});

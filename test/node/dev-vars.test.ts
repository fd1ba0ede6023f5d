import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { completeDevVars, findDevVars } from '../../scripts/dev-vars.ts';

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'edge-sessions-'));
  path = join(directory, '.dev.vars');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const modeOf = (file: string) => statSync(file).mode & 0o777;

it('makes a file that only its owner can read', () => {
  const vars = completeDevVars(path);
  expect(modeOf(path)).toBe(0o600);
  expect(Object.keys(vars).sort()).toEqual([
    'CLIENTS',
    'DEMO_CLIENT_ID',
    'DEMO_CLIENT_SECRET',
    'DEMO_OPERATOR_ID',
    'DEMO_OPERATOR_SECRET',
    'SESSION_SECRET',
  ]);
  expect(Buffer.from(vars.SESSION_SECRET ?? '', 'base64url')).toHaveLength(32);
});

it('configures a demo backend and a demo operator with the hashes of their secrets, each for what it does', () => {
  const vars = completeDevVars(path);
  const { CLIENTS, DEMO_CLIENT_ID, DEMO_OPERATOR_ID } = vars;
  const toHash = (secret = '') => createHash('sha256').update(secret).digest('hex');
  expect(JSON.parse(CLIENTS ?? '')).toEqual([
    {
      client_id: DEMO_CLIENT_ID,
      secret_sha256: toHash(vars.DEMO_CLIENT_SECRET),
      allow: ['create_sessions', 'manage_users', 'introspect'],
      for_clients: ['demo-app'],
    },
    {
      client_id: DEMO_OPERATOR_ID,
      secret_sha256: toHash(vars.DEMO_OPERATOR_SECRET),
      allow: ['operate'],
    },
    { client_id: 'demo-app' },
  ]);
});

it('changes nothing the second time', () => {
  const first = completeDevVars(path);
  const text = readFileSync(path, 'utf8');
  expect(completeDevVars(path)).toEqual(first);
  expect(readFileSync(path, 'utf8')).toBe(text);
});

it('keeps what is there, adds what is missing, and takes away the rights of others', () => {
  writeFileSync(path, '# mine\nSESSION_SECRET="of my own"\nREFRESH_GRACE_SECONDS=5');
  chmodSync(path, 0o644);
  const vars = completeDevVars(path);
  expect(vars).toMatchObject({
    SESSION_SECRET: 'of my own',
    REFRESH_GRACE_SECONDS: '5',
    DEMO_CLIENT_ID: 'demo-backend',
  });
  expect(readFileSync(path, 'utf8')).toMatch(
    /^# mine\nSESSION_SECRET="of my own"\nREFRESH_GRACE_SECONDS=5\nDEMO/,
  );
  expect(modeOf(path)).toBe(0o600);
});

it('adds no demo client to CLIENTS of your own', () => {
  writeFileSync(path, "CLIENTS='[]'\n");
  expect(Object.keys(completeDevVars(path)).sort()).toEqual(['CLIENTS', 'SESSION_SECRET']);
});

it('can be sourced by a shell', () => {
  const { CLIENTS, SESSION_SECRET } = completeDevVars(path);
  const printed = execFileSync('sh', [
    '-c',
    '. "$1"; printf "%s\\n" "$CLIENTS" "$SESSION_SECRET"',
    'sh',
    path,
  ]);
  expect(printed.toString()).toBe(`${CLIENTS}\n${SESSION_SECRET}\n`);
});

it.each([
  ['line ends of Windows', "SESSION_SECRET='of my own'\r\nBRAND_NAME='Mine'\r\n"],
  ['the mark that its editors put first', "\uFEFFSESSION_SECRET='of my own'\nBRAND_NAME='Mine'"],
])('a file with %s is read the same by a shell', (_, text) => {
  writeFileSync(path, text);
  const vars = completeDevVars(path);
  expect(vars).toMatchObject({ SESSION_SECRET: 'of my own', BRAND_NAME: 'Mine' });
  const printed = execFileSync('sh', [
    '-c',
    '. "$1"; printf "%s|%s|%s" "$SESSION_SECRET" "$BRAND_NAME" "$DEMO_CLIENT_SECRET"',
    'sh',
    path,
  ]);
  expect(printed.toString()).toBe(`of my own|Mine|${vars.DEMO_CLIENT_SECRET}`);
});

it('says that a file of PowerShell’s `>` cannot be read', () => {
  writeFileSync(path, Buffer.from("\uFEFFSESSION_SECRET='x'\r\n", 'utf16le'));
  expect(() => completeDevVars(path)).toThrow(/^\.dev\.vars is UTF-16.* save it as UTF-8$/);
});

it('an environment has a file of its own, where there is one, as wrangler has it', () => {
  expect(findDevVars(directory, 'staging')).toBe('.dev.vars');
  writeFileSync(`${path}.staging`, '');
  expect(findDevVars(directory, 'staging')).toBe('.dev.vars.staging');
  expect(findDevVars(directory, '')).toBe('.dev.vars');
});

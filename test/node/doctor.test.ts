/** `edge-sessions doctor` beside a running service: what is well, and each thing that is not. */
import { execFile } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Finding } from '../../src/cli/doctor/finding.ts';
import { checkOutside } from '../../src/cli/doctor/outside-checks.ts';
import { examine, type Patient } from '../../src/cli/doctor/patient.ts';
import { checkService } from '../../src/cli/doctor/service-checks.ts';
import { checkSites } from '../../src/cli/doctor/site-checks.ts';
import { type Service, startService } from './service.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const ORIGIN = 'https://app.example.com';

let service: Service;
let folder: string;
beforeAll(async () => {
  service = await startService([], {}, [{ client_id: 'web', origins: [ORIGIN] }]);
  folder = mkdtempSync(join(tmpdir(), 'doctor-'));
  for (const name of ['node_modules', 'migrations'])
    symlinkSync(join(ROOT, name), join(folder, name));
});
beforeEach(() => {
  copyFileSync(join(ROOT, 'wrangler.toml'), join(folder, 'wrangler.toml'));
  copyFileSync(service.devVarsFile, join(folder, '.dev.vars'));
  appendFileSync(join(folder, '.dev.vars'), `ISSUER='${service.origin}'\n`);
});
afterAll(async () => {
  await service?.stop();
  rmSync(folder, { recursive: true });
});

interface Report {
  code: number;
  findings: Finding[];
  stderr: string;
}

function doctor(args: string[] = [], state = join(dirname(service.devVarsFile), 'state')) {
  const { SERVICE_URL: _, CLIENT_ID: __, CLIENT_SECRET: ___, ...env } = process.env;
  const all = ['doctor', '--local', '--persist-to', state, '--json', '--cwd', folder, ...args];
  return new Promise<Report>((ended) => {
    execFile(
      process.execPath,
      [join(ROOT, 'scripts/cli.ts'), ...all],
      { env },
      (error, stdout, stderr) =>
        ended({
          code: Number(error?.code ?? 0),
          findings: stdout === '' ? [] : JSON.parse(stdout).findings,
          stderr,
        }),
    );
  });
}

const problemsOf = ({ findings }: Report) =>
  findings.filter(({ status }) => status === 'problem').map(({ check, detail }) => [check, detail]);

it('finds a service well, as its operator, once the cron has run', async () => {
  await fetch(`${service.origin}/cdn-cgi/handler/scheduled`);
  // A running isolate reads when that was, with its keys, once a minute.
  const report = await doctor();
  expect(problemsOf(report)).toEqual([]);
  expect(report.code).toBe(0);
  const byCheck = new Map(report.findings.map(({ check, detail }) => [check, detail]));
  expect([...byCheck.keys()]).toEqual([
    'configuration',
    'bindings',
    'migrations',
    'service',
    'cron',
    'clock',
    'metadata',
    'keys',
    'CORS',
    'webhooks',
  ]);
  expect(byCheck.get('migrations')).toBe('DB has all of them');
  expect(byCheck.get('keys')).toBe('1 is published, and one signs');
  expect(byCheck.get('CORS')).toBe(`${ORIGIN} may read the answers`);
  expect(byCheck.get('webhooks')).toBe('everything was delivered');
});

it('names each thing that is not well, and what to do about it', async () => {
  const toml = join(folder, 'wrangler.toml');
  writeFileSync(
    toml,
    readFileSync(toml, 'utf8')
      .replace(/\[triggers\][\s\S]*$/, '')
      .replace('CLIENTS =', 'ACCESS_TOKEN_TTL_SECONDS = "soon"\nCLIENTS ='),
  );
  const secret = 'whsec_c2VjcmV0LW9mLXRoZS10ZXN0cy0wMTIzNDU2Nzg5';
  const devVars = join(folder, '.dev.vars');
  writeFileSync(
    devVars,
    `${readFileSync(devVars, 'utf8').replaceAll(ORIGIN, 'https://other.example.com')}
TRUSTED_ISSUERS='[{"issuer":"http://localhost:9","audience":"a"},{"issuer":"${service.origin}","audience":"a"}]'
WEBHOOKS='[{"name":"audit","url":"http://localhost:9/key-in-its-path","secret":"${secret}"}]'
`,
  );
  const report = await doctor([], join(folder, 'empty-state'));
  expect(report.code).toBe(3);
  const problems = problemsOf(report);
  for (const [check, sentence] of [
    ['configuration', 'ACCESS_TOKEN_TTL_SECONDS must be a whole number'],
    ['bindings', 'there is no cron'],
    ['migrations', 'DB lacks 0000_user_sessions.sql'],
    ['CORS', 'https://other.example.com may not read the answers'],
    ['issuers', 'http://localhost:9: http://localhost:9/.well-known/openid-configuration does not'],
    ['webhooks', 'audit: http://localhost:9 does not answer'],
  ])
    expect(problems).toContainEqual([check, expect.stringContaining(sentence as string)]);
  for (const { status, advice } of report.findings)
    if (status === 'problem') expect(advice).toMatch(/\w/);
  expect(JSON.stringify(report)).not.toContain(secret);
  expect(JSON.stringify(report)).not.toContain('key-in-its-path');
});

it('names a text of the pages that would be said as it is', async () => {
  const devVars = join(folder, '.dev.vars');
  appendFileSync(devVars, `TEXTS='{"de":{"signedInAt":"Seit {wann}","cancle":"Halt"}}'\n`);
  const problems = problemsOf(await doctor());
  expect(problems.filter(([check]) => check === 'configuration')).toEqual([
    ['configuration', 'TEXTS: de.signedInAt has no {wann}'],
    ['configuration', 'TEXTS: de.cancle is no text of the pages'],
  ]);
});

it('says how to start a service that does not answer', async () => {
  appendFileSync(join(folder, '.dev.vars'), "ISSUER='http://localhost:9'\n");
  const report = await doctor(['--no-migrations']);
  expect(report.code).toBe(3);
  expect(report.findings).toContainEqual({
    check: 'service',
    status: 'problem',
    detail: expect.stringContaining('http://localhost:9/healthz does not answer'),
    advice: 'start it: npm run dev',
  });
});

it('what answers in the place of the service is told, and settings that are none stop nothing', async () => {
  const page = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html', connection: 'close' });
    response.end('<!doctype html>');
  });
  await new Promise<void>((listening) => page.listen(0, '127.0.0.1', listening));
  try {
    const url = `http://127.0.0.1:${(page.address() as AddressInfo).port}`;
    const patient = { ...examine(folder, '', true), service: url };
    expect(await checkService(patient)).toEqual([
      expect.objectContaining({ status: 'problem', detail: expect.stringContaining('else') }),
    ]);
    const vars = {
      TRUSTED_ISSUERS: '[null, 7, {}, {"issuer": 7}]',
      WEBHOOKS: '["x", {"name": "audit", "url": "audit.example"}]',
    };
    expect(await checkOutside({ ...patient, vars })).toEqual([
      expect.objectContaining({ status: 'problem', detail: 'audit has no URL' }),
    ]);
  } finally {
    page.close();
  }
});

it('tells a clock that is minutes off, and a service that is called otherwise', async () => {
  // What stands before a deployed service, and sets the time of its answers.
  const proxy = createServer(async (request, response) => {
    const answer = await fetch(service.origin + request.url, { method: request.method ?? 'GET' });
    const date = new Date(Date.now() - 120_000).toUTCString();
    response.writeHead(answer.status, { 'content-type': 'application/json', date });
    response.end(await answer.text());
  });
  await new Promise<void>((listening) => proxy.listen(0, '127.0.0.1', listening));
  try {
    const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const patient = { ...examine(folder, '', true), isLocal: false, service: url };
    const findings = await checkService({ ...patient, vars: { ISSUER: url } });
    expect(findings).toContainEqual(
      expect.objectContaining({
        check: 'clock',
        status: 'problem',
        detail: expect.stringMatching(/^this machine’s is 1[12]\d s ahead of the service’s$/),
      }),
    );
    expect(findings).toContainEqual(
      expect.objectContaining({
        check: 'metadata',
        status: 'problem',
        detail: expect.stringContaining(`says ${service.origin}, and ISSUER is ${url}`),
      }),
    );
  } finally {
    proxy.close();
  }
});

it.each([
  ['https://auth.example.com', 'https://app.example.com', true],
  ['https://example.com/auth', 'https://www.example.com:8443', true],
  ['https://auth.example.com', 'https://app.example.net', false],
  ['https://auth.example.com', 'http://app.example.com', false],
  ['https://sessions.acme.workers.dev', 'https://web.acme.workers.dev', true],
  ['https://sessions.acme.workers.dev', 'https://web.other.workers.dev', false],
  ['https://sessions.acme.workers.dev', 'https://acme.pages.dev', false],
  ['https://auth.pages.dev', 'https://app.pages.dev', false],
  ['https://auth.shop.co.uk', 'https://app.shop.co.uk', true],
  ['https://auth.shop.co.uk', 'https://app.other.co.uk', false],
])(
  'pages of a client with cookies are on the site of the service: %s, %s: %s',
  (issuer, origin, isSame) => {
    const examined = (client: object) =>
      checkSites({
        vars: { CLIENTS: JSON.stringify([{ client_id: 'web', origins: [origin], ...client }]) },
        ...{ isLocal: false, service: issuer, folder: '', ask: null },
        environment: {} as Patient['environment'],
      }).map(({ status }) => status);
    const expected = isSame ? [] : ['note'];
    expect(examined({ return_urls: [`${origin}/`] })).toEqual(expected);
    expect(examined({ access_token: 'memory' })).toEqual(expected);
    // Pages that hold tokens have no cookies to lose.
    expect(examined({})).toEqual([]);
  },
);

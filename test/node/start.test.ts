/** `npm start` and what it promises. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { completeDevVars } from '../../scripts/dev-vars.ts';
import { findFreePort } from '../../scripts/free-port.ts';
import { backendOf, createSession, ORIGIN, refresh } from './demo.ts';
import { runStart, type Service, startService } from './service.ts';

let service: Service | null = null;
afterEach(async () => {
  await service?.stop();
  service = null;
});

describe('npm start, without options', () => {
  let first: Service;
  beforeAll(async () => {
    first = await startService();
  });
  afterAll(() => first?.stop());

  it('makes the secrets, readable by their owner only, and prints none', async () => {
    expect(statSync(first.devVarsFile).mode & 0o777).toBe(0o600);
    const { SESSION_SECRET, DEMO_CLIENT_SECRET } = completeDevVars(first.devVarsFile);
    expect(first.output()).not.toContain(SESSION_SECRET);
    expect(first.output()).not.toContain(DEMO_CLIENT_SECRET);
  });

  it('leaves a service on another port as it is: wrangler watches what it runs by', async () => {
    const second = await startService();
    try {
      expect(first.output()).not.toContain('Reloading');
      for (const { origin } of [first, second]) {
        const response = await fetch(`${origin}/.well-known/oauth-authorization-server`);
        expect(await response.json()).toMatchObject({ issuer: origin });
        expect((await fetch(`${origin}/console`)).status).toBe(401);
      }
    } finally {
      await second.stop();
    }
  });

  it.skipIf(!existsSync('/proc/self/stat'))(
    'leaves no process behind on SIGTERM, and the port free',
    async () => {
      const started = descendantsOf(first.pid);
      expect(started.length).toBeGreaterThan(1);
      expect(await first.stop('SIGTERM')).toBe(0);
      // The last of them has been told to end, and may still be about to.
      await expect.poll(() => started.filter(isAlive)).toEqual([]);
      await expect(fetch(first.origin)).rejects.toThrow();
    },
  );
});

describe('npm start', () => {
  it('answers on localhost and on 127.0.0.1', async () => {
    for (const origin of [ORIGIN, ORIGIN.replace('localhost', '127.0.0.1')]) {
      expect((await fetch(`${origin}/healthz`)).status).toBe(200);
    }
  });

  it('hands --var to the worker', async () => {
    service = await startService([
      '--var',
      'REFRESH_GRACE_SECONDS:0',
      '--var',
      'ISSUER:http://localhost:1/auth',
    ]);
    const { origin } = service;
    const backend = backendOf(service.devVarsFile);
    const base = `${origin}/auth`;
    const { refresh_token: refreshToken } = await createSession(undefined, {
      origin: base,
      backend,
    });
    expect((await refresh(refreshToken, { origin: base })).status).toBe(200);
    expect((await refresh(refreshToken, { origin: base })).body).toMatchObject({
      reason: 'reuse_detected',
    });
    const metadata = await fetch(`${origin}/.well-known/oauth-authorization-server/auth`);
    expect(await metadata.json()).toMatchObject({ issuer: 'http://localhost:1/auth' });
  });

  it('serves https with a certificate of its own, and says its address', async () => {
    service = await startService([], { HTTPS: '1' });
    const { origin } = service;
    expect(origin).toMatch(/^https:/);
    expect(service.output()).toContain(`Try it:           ${origin}/`);
    const [, certificate = ''] = /--cacert '(.+?)'/.exec(service.output()) ?? [];
    expect(statSync(certificate.replace('cert.pem', 'key.pem')).mode & 0o777).toBe(0o600);
    // Verified by it: as printed, and by the names below localhost that browsers find here.
    const curl = (url: string) =>
      execFileSync('curl', ['-sS', '--cacert', certificate, url], { encoding: 'utf8' });
    expect(JSON.parse(curl(`${origin}/.well-known/oauth-authorization-server`))).toMatchObject({
      issuer: origin,
    });
    const named = origin.replace('localhost', 'auth.app.localhost');
    expect(JSON.parse(curl(`${named}/healthz`))).toMatchObject({ status: 'ok' });
    // What the demo's button does: the cookies are Secure, and here every browser keeps them.
    const started = execFileSync(
      'curl',
      ['-sSi', '--cacert', certificate, '-X', 'POST', '-H', `Origin: ${origin}`, `${origin}/demo`],
      { encoding: 'utf8' },
    );
    expect(started).toMatch(/^location: \/browser\/start\?code=/im);
  });

  it('refuses HTTPS=yes', async () => {
    const run = runStart({ HTTPS: 'yes' });
    expect(await run.ended).toBe(1);
    expect(run.output()).toContain('HTTPS must be 1 or 0, not "yes"');
  });

  it('is several hosts below localhost, as real hosts would be', async () => {
    const port = await findFreePort();
    const host = `auth.app.localhost:${port}`;
    const clients = [
      {
        client_id: 'web',
        origins: ['http://app.localhost:3000'],
        return_urls: ['http://app.localhost:3000/'],
      },
      {
        client_id: 'backend',
        secret_sha256: createHash('sha256').update('backend-secret-of-this-test').digest('hex'),
        allow: ['create_sessions'],
        for_clients: ['web'],
      },
    ];
    const variables = { ISSUER: `http://${host}`, CLIENTS: JSON.stringify(clients) };
    service = await startService(
      Object.entries(variables).flatMap(([name, value]) => ['--var', `${name}:${value}`]),
      { PORT: String(port) },
    );
    // curl resolves names below localhost itself, as browsers do.
    const curl = (...args: string[]) =>
      execFileSync('curl', ['-sS', ...args], { encoding: 'utf8' });
    const created = curl(
      ...['-u', 'backend:backend-secret-of-this-test', '-H', 'Content-Type: application/json'],
      ...['-d', '{"client_id":"web","browser":{"return_url":"http://app.localhost:3000/home"}}'],
      `http://${host}/v1/sessions`,
    );
    const { browser } = JSON.parse(created) as { browser: { start_url: string } };
    expect(new URL(browser.start_url).host).toBe(host);
    const started = curl('-i', '-H', 'Sec-Fetch-Site: same-origin', browser.start_url);
    expect(started).toMatch(/^location: http:\/\/app\.localhost:3000\/home\r$/im);
    expect(started).toMatch(/^set-cookie: __Host-session=/im);
  });

  it.each(['0', '65536', 'http', '80a'])('refuses PORT=%s', async (port) => {
    const run = runStart({ PORT: port });
    expect(await run.ended).toBe(1);
    expect(run.output()).toContain(`PORT must be a whole number from 1 to 65535, not "${port}"`);
  });

  it('says that a port is taken', async () => {
    const port = await findFreePort();
    const server = createServer();
    await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));
    const run = runStart({ PORT: String(port) });
    expect(await run.ended).toBe(1);
    expect(run.output()).toContain(`port ${port} is taken`);
    server.close();
  });

  it.skipIf(!existsSync('/proc/self/stat'))(
    'starts wrangler again when that ends by itself, and no session is lost',
    async () => {
      service = await startService();
      const { origin } = service;
      const backend = backendOf(service.devVarsFile);
      const { refresh_token: token } = await createSession(undefined, { origin, backend });
      const [wrangler = 0] = descendantsOf(service.pid);
      process.kill(wrangler, 'SIGKILL');
      const times = () => service?.output().split('Run the cron:').length ?? 0;
      await expect.poll(times).toBe(3);
      expect(service.output()).toContain('wrangler dev ended by itself, and is started again');
      expect((await refresh(token, { origin })).status).toBe(200);
    },
  );

  it('fails when wrangler fails', async () => {
    await expect(startService(['--no-such-option'])).rejects.toThrow(/ended with [1-9]/);
  });
});

interface Stat {
  pid: number;
  parent: number;
  state: string;
}

/** See proc(5). The name in parentheses may hold spaces. */
function readStat(pid: number): Stat | null {
  try {
    const [state = '', parent = ''] =
      readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return { pid, parent: Number(parent), state };
  } catch {
    return null;
  }
}

function descendantsOf(pid: number): number[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat) => stat !== null);
  const below = (parent: number): number[] =>
    all.filter((stat) => stat.parent === parent).flatMap((stat) => [stat.pid, ...below(stat.pid)]);
  return below(pid);
}

/** A zombie has ended: only its parent has not looked yet. */
const isAlive = (pid: number) => !['Z', 'X', undefined].includes(readStat(pid)?.state);

/** The page at `/`: one click under `npm start`, and not a byte of it in what is deployed. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { CLIENT, toApiCode, toBackendCode, toPageCode } from '../../../src/dev/snippets.ts';
import { type Service, startService } from '../service.ts';
import { findViolations } from './axe.ts';
import { launchChromium } from './chromium.ts';
import { follow, pressAndSee } from './press.ts';
import { startFront } from './tls-front.ts';

const origin = inject('origin');
const ROOT = resolve(import.meta.dirname, '../../..');

describe('under npm start', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());

  it('one click starts a session, and the next shows its device', async () => {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    await page.goto(`${origin}/`);
    await follow(page.getByRole('button', { name: 'Start a demo session' }));
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('You have a session.');
    expect(await page.getByText('"typ": "at+jwt"').count()).toBe(1);
    expect(await page.content()).toContain('"secret": "…"');
    expect(await page.content()).not.toMatch(/v2\.ey/);
    await follow(page.getByRole('link', { name: 'Your devices' }));
    expect(await page.getByText('Active now').count()).toBe(1);
    expect(complaints).toEqual([]);
  });

  it.each([
    ['a desktop', 1280, 'light'],
    ['a phone', 390, 'dark'],
  ] as const)(
    'on %s code is copied by a button, breaks nowhere, and axe finds nothing',
    async (name, width, colorScheme) => {
      const context = await browser.newContext({
        viewport: { width, height: 900 },
        colorScheme,
        permissions: ['clipboard-read', 'clipboard-write'],
      });
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on('console', (message) => complaints.push(message.text()));
      await page.goto(`${origin}/`);
      for (const [title, code] of [
        ['The app, in CLIENTS', CLIENT],
        ['Your backend, once it has signed a user in', toBackendCode(origin)],
        ['Your pages', toPageCode(origin)],
        ['Your API', toApiCode(origin)],
      ] as const) {
        const step = page.locator('section', { has: page.getByRole('heading', { name: title }) });
        expect(await pressAndSee(step.getByRole('button', { name: 'Copy' }))).toBe('Copied');
        expect(await page.evaluate('navigator.clipboard.readText()')).toBe(code);
      }
      // As many lines as it has, however wide the screen is.
      const isWhole = `[...document.querySelectorAll('pre')].every((pre) => {
      const { lineHeight, paddingTop, paddingBottom } = getComputedStyle(pre);
      const height = pre.clientHeight - parseFloat(paddingTop) - parseFloat(paddingBottom);
      return Math.round(height / parseFloat(lineHeight)) === pre.textContent.split('\\n').length;
    })`;
      expect(await page.evaluate(isWhole)).toBe(true);
      const overflow =
        'document.documentElement.scrollWidth - document.documentElement.clientWidth';
      expect(await page.evaluate(overflow)).toBeLessThanOrEqual(0);
      const folder = process.env.SCREENSHOTS;
      if (folder) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
      expect(complaints).toEqual([]);
      expect(await findViolations(page)).toEqual([]);
      await context.close();
    },
  );

  it('code that a browser lets no page copy is selected, so that its keys can', async () => {
    const page = await browser.newPage();
    await page.goto(`${origin}/`);
    await page.evaluate(
      'navigator.clipboard.writeText = () => Promise.reject(new DOMException("", "NotAllowedError"))',
    );
    const step = page.locator('section', { hasText: 'Your pages' }).last();
    expect(await pressAndSee(step.getByRole('button', { name: 'Copy' }))).toContain('Not allowed');
    expect(await page.evaluate('getSelection().toString().trim()')).toBe(toPageCode(origin));
    await page.close();
  });

  it('another site’s form starts none', async () => {
    const response = await fetch(`${origin}/demo`, {
      method: 'POST',
      headers: { origin: 'https://evil.example' },
      redirect: 'manual',
    });
    expect(response.status).toBe(403);
    // A proxy that puts another Host there looks the same.
    expect(await response.text()).toContain('let it keep Host');
  });

  it('says so where a browser keeps no cookie, as WebKit on http://localhost', async () => {
    const page = await browser.newPage();
    await page.goto(`${origin}/`);
    expect(await page.getByRole('alert').count()).toBe(0);
    await follow(page.getByRole('button', { name: 'Start a demo session' }));
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('You have a session.');
    // Where the start leads to, in a browser that has kept nothing of its answer.
    expect(page.url()).toBe(`${origin}/`);
    await page.context().clearCookies();
    await page.goto(`${origin}/?started`);
    expect(await page.getByRole('alert').textContent()).toContain('HTTPS=1 npm start');
  });

  it('a proxy in front that keeps Host is no other site, and the browser stays at it', async () => {
    const front = await startFront(() => new URL(origin));
    const proxied = await launchChromium(front.args);
    try {
      const page = await proxied.newPage();
      await page.goto('https://demo.localhost/');
      await follow(page.getByRole('button', { name: 'Start a demo session' }));
      expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe(
        'You have a session.',
      );
      expect(new URL(page.url()).origin).toBe('https://demo.localhost');
      await follow(page.getByRole('link', { name: 'Your devices' }));
      expect(await page.getByText('Active now').count()).toBe(1);
      // Another site's form is refused through it as well.
      const response = await fetch(`${origin}/demo`, {
        method: 'POST',
        headers: { origin: 'https://evil.example', 'x-forwarded-host': 'evil.example' },
        redirect: 'manual',
      });
      expect(response.status).toBe(403);
    } finally {
      await proxied.close();
      await front.stop();
    }
  });

  it('any other host name, as a rebound one would be, finds nothing', async () => {
    for (const host of ['evil.example', 'localhost.evil.example', '192.168.1.5:8787']) {
      const status = await new Promise((done) => {
        get(origin, { headers: { host, 'x-forwarded-host': 'localhost' } }, ({ statusCode }) =>
          done(statusCode),
        );
      });
      expect([host, status]).toEqual([host, 404]);
    }
  });
});

describe('anywhere else', () => {
  it('the deployed Worker has not a byte of it', () => {
    const directory = mkdtempSync(join(tmpdir(), 'edge-sessions-'));
    try {
      const wrangler = join(ROOT, 'node_modules/wrangler/bin/wrangler.js');
      execFileSync(process.execPath, [wrangler, 'deploy', '--dry-run', '--outdir', directory], {
        cwd: ROOT,
        stdio: 'ignore',
        env: { ...process.env, WRANGLER_SEND_METRICS: 'false' },
      });
      const scripts = readdirSync(directory).filter((name) => name.endsWith('.js'));
      expect(scripts).not.toEqual([]);
      for (const name of scripts) {
        const text = readFileSync(join(directory, name), 'utf8');
        expect(text).toContain('Your devices');
        expect(text).not.toMatch(/demo-web|DEMO_CLIENT|demo session|Try to break it/i);
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  describe('even the development entry, with a public issuer', () => {
    let service: Service;
    beforeAll(async () => {
      service = await startService(['--var', 'ISSUER:https://auth.example.com']);
    });
    afterAll(() => service?.stop());

    it.each([
      ['GET', '/'],
      ['POST', '/demo'],
      ['GET', '/demo/style.css'],
      ['GET', '/demo/page.js'],
      ['GET', '/demo/answer'],
      ['POST', '/demo/replay'],
    ])('%s %s is not there', async (method, path) => {
      expect((await fetch(service.origin + path, { method, redirect: 'manual' })).status).toBe(404);
    });
  });
});

/** Requests of an app's page to which tracing has added its headers, in a real Chromium. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  BROWSER_APP,
  type BrowserService,
  launchChromium,
  type Pages,
  servePages,
  startBrowserService,
} from './chromium.ts';

/** As the SDKs of OpenTelemetry, Sentry and Datadog send them. */
const TRACING = {
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  tracestate: 'vendor=t61rcWkgMzE',
  baggage: 'sentry-environment=production,sentry-public_key=abc',
  'sentry-trace': '0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1',
  'x-datadog-trace-id': '8448549134029017000',
  'x-datadog-parent-id': '5208512171318403364',
};

let app: Pages;
let service: BrowserService;
let browser: Browser;
let page: Page;
beforeAll(async () => {
  app = await servePages({ '/': '<!doctype html><title>app</title>' });
  service = await startBrowserService([{ client_id: BROWSER_APP, origins: [app.origin] }]);
  browser = await launchChromium();
  page = await browser.newPage();
  await page.goto(`${app.origin}/`);
});
afterAll(async () => {
  await browser?.close();
  await service?.stop();
  await app?.stop();
});

it.each([
  ['/browser/refresh', { 'x-requested-with': 'x' }, 'include', 401],
  ['/oauth/token', { 'content-type': 'application/x-www-form-urlencoded' }, 'omit', 401],
  ['/oauth/revoke', { authorization: 'Bearer x' }, 'omit', 400],
] as const)('POST %s is answered', async (path, headers, credentials, status) => {
  const answered = await page.evaluate(
    ([url, init]) =>
      fetch(url, init).then(
        (response) => response.status,
        (error) => String(error),
      ),
    [
      service.origin + path,
      { method: 'POST', credentials, headers: { ...headers, ...TRACING } },
    ] as const,
  );
  expect(answered).toBe(status);
});

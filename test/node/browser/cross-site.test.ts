/**
 * What pages of other origins can do to somebody who is signed in, in a real Chromium: nothing.
 * After each attempt the sessions in the database and the cookies in the browser are what they
 * were, and the page has read nothing.
 */
import type { Browser, BrowserContext, Page, Request } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { USER } from '../../people';
import {
  BROWSER_APP,
  type BrowserService,
  launchChromium,
  type Pages,
  servePages,
  startBrowserService,
} from './chromium.ts';

let app: Pages;
let hostile: Pages;
let service: BrowserService;
let browser: Browser;
let context: BrowserContext;
let sessionId: string;
let attackerStartUrl: string;
/** What the browser asks, and has no answer to yet. */
const underWay = new Set<Request>();

/**
 * `S` is the service, `START` a start URL of the attacker's own session; the rest saves words
 * below.
 */
const hostilePage = () => `<!doctype html><title>hostile</title><body><script>
const S = ${JSON.stringify(service.origin)};
const START = ${JSON.stringify(attackerStartUrl)};
const HERE = location.origin;
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const read = async (response) => response.type + ' ' + response.status + ' ' + (await response.text()) + JSON.stringify([...response.headers]);
const ask = (path, init) => fetch(S + path, { credentials: 'include', ...init }).then(read);
function form(path, { method = 'POST', enctype = 'application/x-www-form-urlencoded', target = '', name = 'a', value = 'b' } = {}) {
  const element = Object.assign(document.createElement('form'), { method, enctype, target, action: S + path });
  element.append(Object.assign(document.createElement('input'), { name, value }));
  document.body.append(element);
  element.submit();
  return wait(400);
}
function load(tag, attributes, parent = document.body) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  const done = new Promise((resolve) => { element.onload = () => resolve('load'); element.onerror = () => resolve('error'); });
  parent.append(element);
  return Promise.race([done, wait(600)]).then(() => element);
}
const inside = (frame) => { try { return frame.contentDocument?.body?.innerText ?? 'nothing'; } catch (error) { return String(error); } };
function request(method, path, headers = {}, body) {
  return new Promise((resolve) => {
    const xhr = new XMLHttpRequest();
    xhr.onload = xhr.onerror = () => resolve(xhr.status + xhr.responseText + xhr.getAllResponseHeaders());
    xhr.open(method, S + path);
    xhr.withCredentials = true;
    for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
    xhr.send(body);
  });
}
const worker = (source) => new Promise((resolve) => {
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const started = new Worker(url);
  started.onmessage = ({ data }) => resolve(data);
  started.onerror = (event) => resolve('error ' + event.message);
});
</script>`;

const JSON_TYPE = `{ 'content-type': 'application/json' }`;

/** What a page does, and gives what it read. */
const ATTEMPTS: [string, string][] = [
  ['a form, urlencoded, signs out', `return form('/browser/sign-out')`],
  [
    'a form, multipart, signs out',
    `return form('/browser/sign-out', { enctype: 'multipart/form-data' })`,
  ],
  ['a form, text/plain, signs out', `return form('/browser/sign-out', { enctype: 'text/plain' })`],
  [
    'a form, text/plain that is JSON, signs out everywhere',
    `return form('/browser/sign-out-everywhere', { enctype: 'text/plain', name: '{"a":"', value: '"}' })`,
  ],
  ['a form refreshes', `return form('/browser/refresh')`],
  ['a form, GET, signs out', `return form('/browser/sign-out', { method: 'GET' })`],
  ['a form, GET, shows the session', `return form('/browser/session', { method: 'GET' })`],
  ['a form asks for a token', `return form('/browser/token')`],
  ['a form posts to the start', `return form('/browser/start?code=x')`],
  [
    'a form into a frame signs out',
    `const frame = await load('iframe', { name: 'f', src: 'about:blank' }); await form('/browser/sign-out', { target: 'f' }); return inside(frame)`,
  ],
  ['a form into a new window signs out', `return form('/browser/sign-out', { target: '_blank' })`],
  ['fetch reads the session', `return ask('/browser/session')`],
  ['fetch reads the session, no-cors', `return ask('/browser/session', { mode: 'no-cors' })`],
  [
    'fetch reads the session, mode same-origin',
    `return ask('/browser/session', { mode: 'same-origin' })`,
  ],
  [
    'fetch reads the session, mode navigate',
    `return ask('/browser/session', { mode: 'navigate' })`,
  ],
  [
    'fetch reads the session, without credentials',
    `return ask('/browser/session', { credentials: 'omit' })`,
  ],
  [
    'fetch reads the session from a cache',
    `return ask('/browser/session', { cache: 'force-cache' })`,
  ],
  [
    'fetch refreshes, JSON',
    `return ask('/browser/refresh', { method: 'POST', headers: ${JSON_TYPE}, body: '{}' })`,
  ],
  ['fetch refreshes, text/plain', `return ask('/browser/refresh', { method: 'POST', body: '{}' })`],
  ['fetch refreshes, no body', `return ask('/browser/refresh', { method: 'POST' })`],
  [
    'fetch signs out, no-cors',
    `return ask('/browser/sign-out', { method: 'POST', mode: 'no-cors', body: '{}' })`,
  ],
  [
    'fetch signs out, no-cors, a JSON type',
    `return ask('/browser/sign-out', { method: 'POST', mode: 'no-cors', headers: ${JSON_TYPE}, body: '{}' })`,
  ],
  [
    'fetch signs out, urlencoded',
    `return ask('/browser/sign-out', { method: 'POST', mode: 'no-cors', body: new URLSearchParams('a=b') })`,
  ],
  [
    'fetch signs out, multipart',
    `return ask('/browser/sign-out', { method: 'POST', mode: 'no-cors', body: new FormData() })`,
  ],
  [
    'fetch signs out, a Blob that says JSON',
    `return ask('/browser/sign-out', { method: 'POST', body: new Blob(['{}'], { type: 'application/json' }) })`,
  ],
  [
    'fetch signs out with the custom header',
    `return ask('/browser/sign-out', { method: 'POST', headers: { 'x-requested-with': 'fetch' } })`,
  ],
  [
    'fetch signs out and says that it is same-origin',
    `return ask('/browser/sign-out', { method: 'POST', headers: { ...${JSON_TYPE}, 'sec-fetch-site': 'same-origin', origin: S } })`,
  ],
  [
    'fetch signs out everywhere, keepalive',
    `return ask('/browser/sign-out-everywhere', { method: 'POST', keepalive: true, mode: 'no-cors', body: '{}' })`,
  ],
  [
    'fetch signs out without a referrer',
    `return ask('/browser/sign-out', { method: 'POST', mode: 'no-cors', referrerPolicy: 'no-referrer', body: '{}' })`,
  ],
  [
    'fetch signs out through a redirect that keeps the method',
    `return fetch('/redirect-307', { method: 'POST', credentials: 'include', mode: 'no-cors', body: '{}' }).then(read)`,
  ],
  [
    'fetch signs out through a redirect, JSON',
    `return fetch('/redirect-307', { method: 'POST', credentials: 'include', headers: ${JSON_TYPE}, body: '{}' }).then(read)`,
  ],
  [
    "fetch signs out through a redirect of the client's own app",
    `return fetch(APP + '/redirect', { method: 'POST', credentials: 'include', mode: 'no-cors', body: '{}' }).then(read)`,
  ],
  ['fetch deletes', `return ask('/v1/sessions/current', { method: 'DELETE' })`],
  ['fetch puts', `return ask('/browser/sign-out', { method: 'PUT' })`],
  [
    'fetch asks for a token',
    `return ask('/browser/token', { method: 'POST', headers: ${JSON_TYPE}, body: '{}' })`,
  ],
  [
    'fetch asks for a token, no-cors',
    `return ask('/browser/token', { method: 'POST', mode: 'no-cors', body: '{}' })`,
  ],
  ['fetch lists the devices', `return ask('/v1/sessions')`],
  ['XHR reads the session', `return request('GET', '/browser/session')`],
  ['XHR refreshes, JSON', `return request('POST', '/browser/refresh', ${JSON_TYPE}, '{}')`],
  ['XHR signs out, text/plain', `return request('POST', '/browser/sign-out', {}, '{}')`],
  ['a beacon signs out', `navigator.sendBeacon(S + '/browser/sign-out', '{}'); return wait(300)`],
  [
    'a beacon signs out, JSON',
    `navigator.sendBeacon(S + '/browser/sign-out', new Blob(['{}'], { type: 'application/json' })); return wait(300)`,
  ],
  [
    'a beacon refreshes, a form',
    `navigator.sendBeacon(S + '/browser/refresh', new FormData()); return wait(300)`,
  ],
  [
    'an image of the session',
    `const img = await load('img', { src: S + '/browser/session' }); return img.naturalWidth`,
  ],
  ['an image of the sign-out', `await load('img', { src: S + '/browser/sign-out' })`],
  ["an image of the start of the attacker's session", `await load('img', { src: START })`],
  [
    "a frame of the start of the attacker's session",
    `return inside(await load('iframe', { src: START }))`,
  ],
  [
    "fetch of the start of the attacker's session",
    `return fetch(START, { credentials: 'include', mode: 'no-cors' }).then(read)`,
  ],
  [
    "a prefetch of the start of the attacker's session",
    `await load('link', { rel: 'prefetch', href: START }, document.head)`,
  ],
  [
    'a script of the session',
    `let seen = ''; window.onerror = (message) => { seen += message; }; await load('script', { src: S + '/browser/session' }); return seen + Object.keys(window).join()`,
  ],
  [
    'a module of the session, with credentials',
    `await load('script', { type: 'module', crossorigin: 'use-credentials', src: S + '/browser/session' })`,
  ],
  [
    'an import of the session',
    `return import(S + '/browser/session').then((all) => JSON.stringify(all))`,
  ],
  [
    'a style sheet of the session',
    `await load('link', { rel: 'stylesheet', href: S + '/browser/session' }, document.head); return [...document.styleSheets].length`,
  ],
  [
    'a font of the session',
    `return new FontFace('f', 'url(' + S + '/browser/session)').load().then(() => 'loaded')`,
  ],
  [
    'a prefetch of the session',
    `await load('link', { rel: 'prefetch', href: S + '/browser/session' }, document.head)`,
  ],
  [
    'a preload of the session, with credentials',
    `await load('link', { rel: 'preload', as: 'fetch', crossorigin: 'use-credentials', href: S + '/browser/session' }, document.head); return performance.getEntriesByType('resource').map((entry) => entry.encodedBodySize).join()`,
  ],
  [
    'a frame of the session',
    `return inside(await load('iframe', { src: S + '/browser/session' }))`,
  ],
  [
    'a sandboxed frame that posts a form (Origin: null)',
    `await load('iframe', { sandbox: 'allow-forms allow-scripts', srcdoc: '<form method=post action="' + S + '/browser/sign-out"><input name=a></form><script>document.forms[0].submit()<\\/script>' }); return wait(300)`,
  ],
  [
    'a sandboxed frame that fetches (Origin: null)',
    `const heard = new Promise((resolve) => addEventListener('message', ({ data }) => resolve(data))); load('iframe', { sandbox: 'allow-scripts', srcdoc: '<script>fetch("' + S + '/browser/refresh", { method: "POST", credentials: "include", headers: { "content-type": "application/json" } }).then((r) => r.text(), String).then((text) => parent.postMessage(text, "*"))<\\/script>' }); return Promise.race([heard, wait(600)])`,
  ],
  [
    'a data: frame that posts (Origin: null)',
    `await load('iframe', { src: 'data:text/html,<form method=post action="' + S + '/browser/sign-out"></form><script>document.forms[0].submit()<\\/script>' }); return wait(300)`,
  ],
  [
    'a blob: frame that posts',
    `await load('iframe', { src: URL.createObjectURL(new Blob(['<form method=post action="' + S + '/browser/sign-out"></form><script>document.forms[0].submit()<\\/script>'], { type: 'text/html' })) }); return wait(300)`,
  ],
  [
    'an object of the session',
    `return inside(await load('object', { data: S + '/browser/session' }))`,
  ],
  ['an embed of the session', `await load('embed', { src: S + '/browser/session' })`],
  [
    'a video of the session',
    `const video = await load('video', { src: S + '/browser/session' }); return video.duration`,
  ],
  [
    'a window on the session',
    `const opened = window.open(S + '/browser/session'); await wait(500); try { return opened.document.body.innerText } catch (error) { return String(error) }`,
  ],
  ['a window on the sign-out', `window.open(S + '/browser/sign-out'); return wait(400)`],
  [
    'a link with a ping',
    `const a = Object.assign(document.createElement('a'), { href: '#', ping: S + '/browser/sign-out' }); document.body.append(a); a.click(); return wait(300)`,
  ],
  [
    'a meta refresh to the sign-out',
    `document.head.insertAdjacentHTML('beforeend', '<meta http-equiv="refresh" content="0;url=' + S + '/browser/sign-out">'); return wait(500)`,
  ],
  ['the address, set to the sign-out', `location.href = S + '/browser/sign-out'; return wait(400)`],
  ['the address, set to the session', `location.href = S + '/browser/session'; return wait(400)`],
  [
    'a WebSocket',
    `return new Promise((resolve) => { const socket = new WebSocket(S.replace('http', 'ws') + '/browser/refresh'); socket.onopen = () => resolve('open'); socket.onerror = () => resolve('error'); socket.onmessage = ({ data }) => resolve(data); })`,
  ],
  [
    'an EventSource with credentials',
    `return new Promise((resolve) => { const events = new EventSource(S + '/browser/session', { withCredentials: true }); events.onmessage = ({ data }) => resolve(data); events.onerror = () => { events.close(); resolve('error'); }; })`,
  ],
  [
    'a worker that fetches',
    `return worker('fetch("' + S + '/browser/refresh", { method: "POST", credentials: "include", headers: { "content-type": "application/json" } }).then((r) => r.text(), String).then(postMessage)')`,
  ],
  [
    'a worker that imports the session',
    `return worker('importScripts("' + S + '/browser/session"); postMessage(Object.keys(self).join())')`,
  ],
  [
    'a service worker that fetches',
    `await navigator.serviceWorker.register('/sw.js'); await navigator.serviceWorker.ready; const heard = new Promise((resolve) => { navigator.serviceWorker.onmessage = ({ data }) => resolve(data); }); (await navigator.serviceWorker.ready).active.postMessage(S); return Promise.race([heard, wait(800)])`,
  ],
  [
    "a service worker of the service's origin",
    `return navigator.serviceWorker.register(S + '/browser/session').then(() => 'registered')`,
  ],
  [
    'a report of a violated policy',
    `const frame = await load('iframe', { src: '/reports' }); return wait(500)`,
  ],
  [
    'speculation rules',
    `const rules = { prefetch: [{ source: 'list', urls: [S + '/browser/sign-out', S + '/browser/session'], eagerness: 'immediate' }] }; const script = Object.assign(document.createElement('script'), { type: 'speculationrules', textContent: JSON.stringify(rules) }); document.head.append(script); return wait(500)`,
  ],
  [
    'cookies of the same names, planted by a script',
    `for (const name of ['__Host-session', '__Host-access', '__host-session']) { document.cookie = name + '=planted; Path=/; Secure'; document.cookie = name + '=planted; Path=/; Secure; Domain=localhost'; document.cookie = name + '=planted; Path=/browser; Secure'; } document.cookie = '=__Host-session=planted; Path=/'; return document.cookie`,
  ],
  [
    'another name for the service (DNS rebinding)',
    `return fetch(S.replace('localhost', 'rebound.example') + '/browser/session', { credentials: 'include' }).then(read)`,
  ],
  [
    "another name for the service, from that name's own origin",
    `const frame = await load('iframe', { src: S.replace('localhost', 'rebound.example') + '/browser/session' }); return inside(frame)`,
  ],
];

const refused = () =>
  service.output().match(/"outcome":"(cross_site_request|unsupported_media_type)"/g)?.length ?? 0;

beforeAll(async () => {
  app = await servePages({
    '/': '<title>app</title>',
    '/signed-in': '<title>signed in</title>',
    // An open redirect in the app itself.
    '/redirect': () => ({
      status: 307,
      headers: { location: `${service.origin}/browser/sign-out` },
    }),
  });
  hostile = await servePages({
    '/': () =>
      hostilePage().replace('const HERE', `const APP = ${JSON.stringify(app.origin)};\nconst HERE`),
    '/redirect-307': () => ({
      status: 307,
      headers: { location: `${service.origin}/browser/sign-out` },
    }),
    '/reports': () => ({
      headers: {
        'content-security-policy': `img-src 'none'; report-uri ${service.origin}/browser/sign-out`,
      },
      body: '<img src="/x">',
    }),
    '/sw.js': () => ({
      headers: { 'content-type': 'text/javascript' },
      body: `onmessage = ({ data, source }) => fetch(data + '/browser/refresh', { method: 'POST', credentials: 'include', headers: ${JSON_TYPE} }).then((r) => r.text(), String).then((text) => source.postMessage(text))`,
    }),
  });
  // No grace period: a refresh that got through would move the session at once.
  service = await startBrowserService(
    [{ client_id: BROWSER_APP, origins: [app.origin], return_urls: [`${app.origin}/signed-in`] }],
    // The cookie of the access token outlives all of the attempts, however long they take.
    { REFRESH_GRACE_SECONDS: '0', ACCESS_TOKEN_TTL_SECONDS: '3600' },
  );
  const hosts = [
    'rebound.example',
    'localhost.evil.example',
    'evil-localhost.example',
    'app.example',
  ];
  browser = await launchChromium([
    `--host-resolver-rules=${hosts.map((host) => `MAP ${host} 127.0.0.1`).join(',')}`,
  ]);
  context = await browser.newContext();
  context.on('request', (request) => underWay.add(request));
  context.on('requestfinished', (request) => underWay.delete(request));
  context.on('requestfailed', (request) => underWay.delete(request));
  const { startUrl, sessionId: id } = await service.handOff(`${app.origin}/signed-in`, {
    userId: USER,
  });
  sessionId = id;
  attackerStartUrl = (await service.handOff(`${app.origin}/signed-in`)).startUrl;
  const page = await context.newPage();
  await page.goto(startUrl);
  await page.close();
  // `last_used_at` has whole seconds: from here on a refresh would show in it.
  await new Promise((resolve) => setTimeout(resolve, 1100));
});
afterAll(async () => {
  await browser?.close();
  await service?.stop();
  await hostile?.stop();
  await app?.stop();
});

const cookies = async () =>
  (await context.cookies(service.origin))
    .map(({ name, value }) => `${name}=${value}`)
    .filter((cookie) => cookie.startsWith('__Host-'))
    .sort();

async function run(page: Page, script: string): Promise<string> {
  const source = `Promise.race([(async () => { ${script} })().catch(String), wait(1500)]).then((value) => JSON.stringify(value ?? null))`;
  return page.evaluate(source).then(String, (error: Error) => `navigated away: ${error.message}`);
}

/** One attempt of a page of this origin, and that nothing came of it. */
async function expectNothing(origin: string, script: string): Promise<void> {
  const before = { sessions: await service.sessionsOf(USER), cookies: await cookies() };
  expect(before.sessions).toHaveLength(1);
  expect(before.cookies).toHaveLength(2);
  const page = await context.newPage();
  await page.goto(origin);
  const seen = await run(page, script);
  await page.waitForTimeout(150);
  // Whatever it has set going comes to its end before its pages are closed.
  await expect.poll(() => underWay.size).toBe(0);
  for (const secret of [
    sessionId,
    USER,
    BROWSER_APP,
    ...before.cookies.map((cookie) => cookie.split('=')[1] as string),
  ])
    expect(seen).not.toContain(secret);
  await Promise.all(context.pages().map((opened) => opened.close()));
  expect({ sessions: await service.sessionsOf(USER), cookies: await cookies() }).toEqual(before);
}

describe('a page of another site', () => {
  it.each(ATTEMPTS)('%s', (_, script) =>
    expectNothing(hostile.origin.replace('localhost', '127.0.0.1'), script),
  );
});

describe('a page of the same site, on a port that is not allowed', () => {
  it.each(ATTEMPTS)('%s', (_, script) => expectNothing(hostile.origin, script));
});

describe('a page of a host that looks like it', () => {
  const hosts = ['evil.localhost', 'localhost.evil.example', 'evil-localhost.example'];
  const chosen = [
    'a form, text/plain, signs out',
    'fetch reads the session',
    'fetch refreshes, JSON',
    'fetch signs out, no-cors',
    'a beacon signs out',
    'cookies of the same names, planted by a script',
  ];
  const cases = hosts.flatMap((host) =>
    ATTEMPTS.filter(([name]) => chosen.includes(name)).map(
      ([name, script]) => [host, name, script] as const,
    ),
  );
  it.each(cases)('%s: %s', (host, _, script) =>
    expectNothing(hostile.origin.replace('localhost', host), script),
  );
});

describe('these attempts', () => {
  it('did reach the service', async () => {
    await expect.poll(refused).toBeGreaterThan(60);
  });

  it("work from the client's own app: the same refresh, and the same sign-out", async () => {
    const page = await context.newPage();
    await page.goto(app.origin);
    const before = await cookies();
    const ask = (path: string) =>
      page.evaluate(
        `fetch(${JSON.stringify(service.origin + path)}, { method: 'POST', credentials: 'include', headers: ${JSON_TYPE}, body: '{}' }).then(({ status }) => status)`,
      );
    expect(await ask('/browser/refresh')).toBe(200);
    expect(await cookies()).not.toEqual(before);
    expect(await ask('/browser/sign-out')).toBe(204);
    expect(await cookies()).toEqual([]);
    expect(await service.sessionsOf(USER)).toEqual([
      expect.objectContaining({ revoked_reason: 'signed_out' }),
    ]);
  });
});

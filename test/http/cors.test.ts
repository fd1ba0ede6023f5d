/** Which pages may call the token routes across origins. */
import { beforeEach, describe, expect, it } from 'vitest';
import { APP, BACKEND, sha256Hex, startService, type TestService, type Tokens } from '../fixtures';

const PAGE = 'https://app.example';
/** As the WebViews of Capacitor, Ionic and Tauri, and the extensions of browsers, send them. */
const APPS = [
  'capacitor://localhost',
  'ionic://localhost',
  'tauri://localhost',
  'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
  'moz-extension://3c9b1d3e-6f0f-4a6e-9a0c-6b7d3f0c2a11',
];
const PREVIEWS = 'https://*.my-app.pages.dev';

let service: TestService;
let tokens: Tokens;
beforeEach(async () => {
  const clients = [
    {
      client_id: BACKEND.id,
      secret_sha256: await sha256Hex(BACKEND.secret),
      allow: ['create_sessions'],
      for_clients: [APP],
    },
    { client_id: APP, origins: [PAGE, ...APPS, PREVIEWS] },
  ];
  service = await startService({ CLIENTS: JSON.stringify(clients) });
  tokens = await service.create();
});

const refresh = (origin: string) =>
  service.form(
    '/oauth/token',
    { grant_type: 'refresh_token', refresh_token: tokens.refresh_token, client_id: APP },
    { origin },
  );
const preflight = (path: string, origin: string) =>
  service.request(path, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization',
    },
  });

describe('a page of a client', () => {
  it('reads the answers, errors too, without credentials', async () => {
    for (const response of [
      await refresh(PAGE),
      await service.form('/oauth/token', {}, { origin: PAGE }),
      await service.form(
        '/oauth/revoke',
        { token: tokens.refresh_token, client_id: APP },
        { origin: PAGE },
      ),
      await service.request('/v1/sessions/current', { headers: { origin: PAGE } }),
    ]) {
      expect(response.headers.get('access-control-allow-origin')).toBe(PAGE);
      expect(response.headers.get('access-control-allow-credentials')).toBe(null);
      expect(response.headers.get('access-control-expose-headers')).toContain('Retry-After');
    }
  });

  it.each([
    '/oauth/token',
    '/oauth/revoke',
    '/v1/sessions',
    '/v1/sessions/revoke-others',
    '/v1/events',
  ])('may ask before a request to %s', async (path) => {
    const response = await preflight(path, PAGE);
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-origin')).toBe(PAGE);
    const headers = response.headers.get('access-control-allow-headers')?.split(', ');
    const tracing = ['traceparent', 'tracestate', 'baggage', 'sentry-trace'];
    expect(headers).toEqual(expect.arrayContaining(['Authorization', ...tracing]));
    for (const method of ['DELETE', 'PATCH'])
      expect(response.headers.get('access-control-allow-methods')).toContain(method);
  });

  it.each(['/oauth/introspect', '/v1/users/7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c11', '/healthz'])(
    'has no business at %s',
    async (path) => {
      expect((await preflight(path, PAGE)).headers.get('access-control-allow-origin')).toBe(null);
    },
  );
});

describe('an app of another scheme, or a preview', () => {
  const origins = [...APPS, 'https://3f9a1c2e.my-app.pages.dev', 'https://main.my-app.pages.dev'];

  it.each(origins)('%s reads the answers of the token routes', async (origin) => {
    expect((await refresh(origin)).headers.get('access-control-allow-origin')).toBe(origin);
    expect((await preflight('/oauth/token', origin)).status).toBe(204);
  });

  it.each([...origins, PREVIEWS])('%s has no business with cookies', async (origin) => {
    for (const path of ['/browser/refresh', '/browser/session', '/browser/sign-in']) {
      const asked = await preflight(path, origin);
      expect(asked.status).toBe(403);
      expect(asked.headers.get('access-control-allow-origin')).toBe(null);
      const method = path === '/browser/session' ? 'GET' : 'POST';
      const headers = {
        origin,
        'content-type': 'application/json',
        'sec-fetch-site': 'cross-site',
      };
      const body = method === 'POST' ? { body: '{}' } : {};
      const response = await service.request(path, { method, headers, ...body });
      expect(response.status).toBe(403);
      expect(response.headers.get('access-control-allow-origin')).toBe(null);
    }
  });
});

describe('any other page', () => {
  it.each([
    PREVIEWS,
    'https://my-app.pages.dev',
    'https://a.b.my-app.pages.dev',
    'https://evil.pages.dev',
    'https://evil-my-app.pages.dev',
    'http://main.my-app.pages.dev',
    'https://main.my-app.pages.dev:8443',
    'https://main.my-app.pages.dev.evil.example',
    'https://.my-app.pages.dev',
    'https://evil.example/.my-app.pages.dev',
    'capacitor://evil.example',
    'ionic://localhost.evil.example',
    'null',
    'https://evil.example',
    'https://evil.app.example',
    'https://app.example.evil.example',
    'http://app.example',
    'https://app.example:444',
    'https://app.example/',
    'HTTPS://APP.EXAMPLE',
  ])('%s', async (origin) => {
    expect((await refresh(origin)).headers.get('access-control-allow-origin')).toBe(null);
    const asked = await preflight('/oauth/token', origin);
    expect(asked.status).toBe(405);
    expect(asked.headers.get('access-control-allow-origin')).toBe(null);
  });
});

it('an answer varies by the origin, also without one', async () => {
  for (const origin of [undefined, PAGE, 'https://evil.example']) {
    const response = await service.form('/oauth/token', {}, origin === undefined ? {} : { origin });
    expect(response.headers.get('vary')).toContain('Origin');
  }
});

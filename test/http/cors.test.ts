/** Which pages may call the token routes across origins. */
import { beforeEach, describe, expect, it } from 'vitest';
import { APP, BACKEND, sha256Hex, startService, type TestService, type Tokens } from '../fixtures';

const PAGE = 'https://app.example';

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
    { client_id: APP, origins: [PAGE] },
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
    expect(response.headers.get('access-control-allow-methods')).toContain('DELETE');
  });

  it.each(['/oauth/introspect', '/v1/users/7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c11', '/healthz'])(
    'has no business at %s',
    async (path) => {
      expect((await preflight(path, PAGE)).headers.get('access-control-allow-origin')).toBe(null);
    },
  );
});

describe('any other page', () => {
  it.each([
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

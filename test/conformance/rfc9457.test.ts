/** RFC 9457: problem details, on every kind of error outside /oauth. */
import { describe, expect, it, vi } from 'vitest';
import { BACKEND, basic, startService } from '../fixtures';

const json = { 'content-type': 'application/json', authorization: basic(BACKEND) };

describe('§3 members of a problem', () => {
  it.each([
    [
      400,
      'invalid_request',
      '/v1/sessions',
      { method: 'POST', headers: json, body: '{"user_id":1}' },
    ],
    [401, 'invalid_client', '/v1/sessions', { method: 'POST' }],
    [401, 'invalid_token', '/v1/sessions', {}],
    [404, 'not_found', '/v1/nothing', {}],
    [405, 'method_not_allowed', '/v1/sessions', { method: 'PUT' }],
    [
      413,
      'body_too_large',
      '/v1/sessions',
      { method: 'POST', headers: json, body: `"${'x'.repeat(17_000)}"` },
    ],
    [
      415,
      'unsupported_media_type',
      '/v1/sessions',
      { method: 'POST', headers: { ...json, 'content-type': 'text/plain' }, body: '{}' },
    ],
  ] as [number, string, string, RequestInit][])('%i %s', async (status, code, path, init) => {
    const service = await startService();
    const response = await service.request(path, init);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toMatchObject({
      type: `urn:edge-sessions:problem:${code}`,
      title: expect.any(String),
      status,
      code,
      instance: `urn:request:${response.headers.get('x-request-id')}`,
    });
    expect(service.database.roundTrips).toBe(0);
  });

  it('503 when the database fails, 500 without a word of what broke when the service does', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    const service = await startService();
    const { access_token } = await service.create();
    // What a replica does not give is asked of the primary.
    const fault = { before: 'D1_ERROR: internal error' };
    service.database.faults = [fault, fault];
    const failed = await service.bearer('GET', '/v1/sessions', access_token);
    expect([failed.status, failed.headers.get('retry-after')]).toEqual([503, '1']);
    Object.defineProperty(service.clock, 'now', {
      get: () => {
        throw new Error('the inside of the service');
      },
    });
    const broken = await service.request('/v1/sessions', {
      method: 'POST',
      headers: json,
      body: '{}',
    });
    expect(broken.status).toBe(500);
    expect(await broken.text()).not.toMatch(/inside of the service|detail/);
    vi.restoreAllMocks();
  });
});

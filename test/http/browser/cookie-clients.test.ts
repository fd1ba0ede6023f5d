/** A cookie takes the place of nothing: who has a secret, or a binding, cannot be had by one. */
import { env } from 'cloudflare:test';
import { base64url } from 'jose';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { BACKEND, readRow } from '../../fixtures';
import { SAME_ORIGIN, startWithBrowsers } from './browser';

beforeEach(async () => {
  await env.DB.exec('DELETE FROM user_sessions; DELETE FROM outdated_tokens');
  for (const level of ['log', 'warn'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

describe('a refresh token of a backend’s own session, in a cookie that somebody made', () => {
  it.each([
    ['POST', '/browser/refresh'],
    ['GET', '/browser/session'],
    ['GET', '/account'],
    ['POST', '/browser/sign-out-everywhere'],
  ])('%s %s knows no session, and moves none', async (method, path) => {
    const service = await startWithBrowsers();
    const { refresh_token, session } = await service.create({ client_id: BACKEND.id });
    service.advance(60);
    const before = await readRow(session.id);
    const cookie = `__Host-session=${base64url.encode(BACKEND.id)}~${refresh_token}`;
    const response = await service.request(path, {
      method,
      headers: { ...SAME_ORIGIN, cookie, 'content-type': 'application/json' },
    });
    expect(response.status).toBe(401);
    expect(response.headers.getSetCookie()).toEqual([]);
    expect(await readRow(session.id)).toEqual(before);
  });
});

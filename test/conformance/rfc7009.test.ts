/** RFC 7009: token revocation, over HTTP. */
import { describe, expect, it } from 'vitest';
import { APP, BACKEND, basic, startService } from '../fixtures';

describe('§2.1 revocation request', () => {
  it.each(['refresh_token', 'access_token'] as const)(
    'of a %s ends the session, and twice is no error',
    async (kind) => {
      const service = await startService();
      const tokens = await service.create();
      for (let time = 0; time < 2; time += 1) {
        const response = await service.form('/oauth/revoke', {
          token: tokens[kind],
          client_id: APP,
        });
        expect([response.status, await response.text()]).toEqual([200, '']);
      }
      expect((await service.refresh(tokens.refresh_token)).body).toMatchObject({
        error: 'invalid_grant',
        reason: 'signed_out',
      });
    },
  );

  it.each(['refresh_token', 'access_token'] as const)(
    'of another client’s %s does nothing',
    async (kind) => {
      const service = await startService();
      const tokens = await service.create();
      const foreign: Record<string, string>[] = [
        { client_id: 'other-app' },
        { client_id: BACKEND.id, client_secret: BACKEND.secret },
      ];
      for (const client of foreign) {
        expect(
          (await service.form('/oauth/revoke', { token: tokens[kind], ...client })).status,
        ).toBe(200);
      }
      expect((await service.refresh(tokens.refresh_token)).status).toBe(200);
    },
  );

  it('with a wrong or unknown hint finds the token all the same', async () => {
    const service = await startService();
    for (const token_type_hint of ['access_token', 'made_up']) {
      const { refresh_token } = await service.create();
      await service.form('/oauth/revoke', {
        token: refresh_token,
        token_type_hint,
        client_id: APP,
      });
      expect((await service.refresh(refresh_token)).status).toBe(400);
    }
  });

  it('of what is no token of ours is 200 without a database call; without a client it is 401', async () => {
    const service = await startService();
    await service.create();
    service.database.roundTrips = 0;
    expect((await service.form('/oauth/revoke', { token: 'made-up', client_id: APP })).status).toBe(
      200,
    );
    expect((await service.form('/oauth/revoke', { token: 'made-up' })).status).toBe(401);
    expect((await service.form('/oauth/revoke', { client_id: APP })).status).toBe(400);
    expect(service.database.roundTrips).toBe(0);
  });

  it('§2.2.1: a database that is down is 503 with Retry-After', async () => {
    const service = await startService();
    const { refresh_token } = await service.create();
    service.database.faults = [{ before: 'D1_ERROR: internal error' }];
    const response = await service.form(
      '/oauth/revoke',
      { token: refresh_token },
      { authorization: basic(BACKEND) },
    );
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
  });
});

/** RFC 7662: token introspection, over HTTP. */
import { describe, expect, it } from 'vitest';
import {
  APP,
  AUDIENCE,
  BACKEND,
  basic,
  ISSUER,
  OTHER_BACKEND,
  START,
  startService,
  type TestService,
} from '../fixtures';

const introspect = async (service: TestService, token: string, client = BACKEND) => {
  const response = await service.form(
    '/oauth/introspect',
    { token },
    { authorization: basic(client) },
  );
  return { status: response.status, text: await response.text() };
};

describe('§2.2 introspection response', () => {
  it('of an active access token says what it is good for', async () => {
    const service = await startService();
    const { access_token, session } = await service.create({
      user_id: '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c11',
    });
    const { text } = await introspect(service, access_token);
    expect(JSON.parse(text)).toMatchObject({
      active: true,
      iss: ISSUER,
      sub: session.user_id,
      aud: AUDIENCE,
      client_id: APP,
      sid: session.id,
      iat: START / 1000,
      exp: START / 1000 + 300,
    });
  });

  it('of anything inactive is the same, byte for byte', async () => {
    const service = await startService();
    const expired = await service.create();
    service.advance(300);
    const revoked = await service.create();
    await service.bearer('DELETE', '/v1/sessions/current', revoked.access_token);
    const others = await service.create();
    const owned = await service.create({ client_id: BACKEND.id });
    const refreshed = await service.form(
      '/oauth/token',
      { grant_type: 'refresh_token', refresh_token: owned.refresh_token },
      { authorization: basic(BACKEND) },
    );
    const { refresh_token: current } = (await refreshed.json()) as { refresh_token: string };
    expect(JSON.parse((await introspect(service, owned.refresh_token)).text)).toMatchObject({
      active: true,
    });
    service.advance(30);
    expect(JSON.parse((await introspect(service, current)).text)).toMatchObject({
      active: true,
      client_id: BACKEND.id,
    });
    const inactive = {
      'made up': 'made-up',
      'an expired access token': expired.access_token,
      'an access token of a revoked session': revoked.access_token,
      'a refresh token of another client': others.refresh_token,
      'a superseded refresh token': owned.refresh_token,
      'an altered token': `${others.access_token.slice(0, -4)}AAAA`,
    };
    for (const [name, token] of Object.entries(inactive)) {
      expect([name, await introspect(service, token)]).toEqual([
        name,
        { status: 200, text: '{"active":false}' },
      ]);
    }
    expect((await introspect(service, current, OTHER_BACKEND)).text).toBe('{"active":false}');
  });
});

describe('§2.1 introspection request', () => {
  it('needs a confidential client', async () => {
    const service = await startService();
    const { access_token } = await service.create();
    const anonymous = await service.form('/oauth/introspect', { token: access_token });
    const publicClient = await service.form('/oauth/introspect', {
      token: access_token,
      client_id: APP,
    });
    expect([anonymous.status, publicClient.status]).toEqual([401, 400]);
    expect(await publicClient.json()).toMatchObject({ error: 'unauthorized_client' });
  });
});

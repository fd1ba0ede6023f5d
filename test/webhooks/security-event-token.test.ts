/** A session's end as a Security Event Token: RFC 8417, RFC 8935, CAEP 1.0 §3.1. */
import { env } from 'cloudflare:test';
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import { beforeEach, expect, it, vi } from 'vitest';
import { BACKEND, basic, ISSUER, type TestService } from '../fixtures';
import { USER } from '../people';
import { endpoint, outliving, startTelling, verify } from './receiver';

const EVENT = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked';

beforeEach(async () => {
  await env.DB.exec(
    'DELETE FROM user_sessions; DELETE FROM users; DELETE FROM session_events; DELETE FROM outdated_tokens',
  );
  vi.spyOn(console, 'log').mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

async function endSession(end: (service: TestService, accessToken: string) => Promise<unknown>) {
  const { service, receiver } = await startTelling([endpoint('team', { format: 'set' })]);
  const created = await service.create({ user_id: USER });
  await outliving(service, () => end(service, created.access_token));
  expect(receiver.accepted).toHaveLength(1);
  const jwks = (await (await service.request('/.well-known/jwks.json')).json()) as JSONWebKeySet;
  return { service, created, message: receiver.accepted[0] as (typeof receiver.accepted)[0], jwks };
}

const byUser = (service: TestService, accessToken: string) =>
  service.bearer('DELETE', '/v1/sessions/current', accessToken);

it('is signed with a key of the JWKS, typed, and names the session, its user, who ended it and why (RFC 8417 §2, RFC 9493 §3.2.8)', async () => {
  const { service, created, message, jwks } = await endSession(byUser);
  const { payload, protectedHeader } = await jwtVerify(message.text, createLocalJWKSet(jwks), {
    issuer: ISSUER,
    audience: 'https://team.example/hooks',
    typ: 'secevent+jwt',
  });
  expect(protectedHeader).toEqual({ alg: 'EdDSA', typ: 'secevent+jwt', kid: jwks.keys[0]?.kid });
  const now = service.clock.now / 1000;
  expect(payload).toEqual({
    iss: ISSUER,
    aud: 'https://team.example/hooks',
    iat: now,
    jti: message.id,
    txn: expect.any(String),
    sequence: expect.any(Number),
    sub_id: {
      format: 'complex',
      session: { format: 'opaque', id: created.session.id },
      user: { format: 'iss_sub', iss: ISSUER, sub: USER },
    },
    events: {
      [EVENT]: {
        event_timestamp: now,
        initiating_entity: 'user',
        reason_admin: { en: 'signed_out' },
        client_id: 'app',
      },
    },
  });
});

it('is pushed as RFC 8935 §2.1 has it, inside a signed webhook', async () => {
  const { message } = await endSession(byUser);
  expect(message.headers).toMatchObject({
    'content-type': 'application/secevent+jwt',
    accept: 'application/json',
  });
  // The library parses what it verified as JSON, which a token is not: the signature is good when
  // that alone fails.
  expect(() => verify(message)).toThrow(SyntaxError);
});

it('says that a backend or a rule ended it', async () => {
  const { message } = await endSession((service) =>
    service.backend('DELETE', `/v1/users/${USER}/sessions`),
  );
  const payload = JSON.parse(
    atob((message.text.split('.')[1] as string).replaceAll('-', '+').replaceAll('_', '/')),
  );
  expect(payload.events[EVENT]).toMatchObject({
    initiating_entity: 'admin',
    reason_admin: { en: 'revoked' },
  });
});

it('is no access token (RFC 8417 §4.5, threat of cross-JWT confusion)', async () => {
  const { service, message } = await endSession(byUser);
  expect(decodeProtectedHeader(message.text).typ).toBe('secevent+jwt');
  expect((await service.bearer('GET', '/v1/sessions', message.text)).status).toBe(401);
  const answer = await service.form(
    '/oauth/introspect',
    { token: message.text },
    { authorization: basic(BACKEND) },
  );
  expect(await answer.json()).toEqual({ active: false });
});

it('tells only of sessions that ended', async () => {
  const { service, receiver } = await startTelling([endpoint('team', { format: 'set' })]);
  await outliving(service, () => service.create({ user_id: USER }));
  expect(receiver.arrived).toEqual([]);
});

it('tells of reuse where it ended the session, and not where it was only seen', async () => {
  const { service, receiver } = await startTelling([endpoint('team', { format: 'set' })]);
  const { refresh_token: first } = await service.create({ user_id: USER, client_id: BACKEND.id });
  const refresh = async (token: string): Promise<string> => {
    const fields = { grant_type: 'refresh_token', refresh_token: token };
    const response = await service.form('/oauth/token', fields, service.credentials);
    return ((await response.json()) as { refresh_token: string }).refresh_token;
  };
  let current = first;
  for (let rotation = 0; rotation < 2; rotation += 1) {
    service.advance(60);
    current = await refresh(current);
  }
  service.advance(60);
  await outliving(service, () =>
    service.form('/oauth/introspect', { token: first }, { authorization: basic(BACKEND) }),
  );
  const { results } = await env.DB.prepare(
    "SELECT type FROM session_events WHERE type = 'reuse_detected'",
  ).all();
  expect(results).toHaveLength(1);
  expect(receiver.arrived).toEqual([]);
  expect(await refresh(current)).toBeTypeOf('string');
  await outliving(service, () => refresh(first));
  expect(receiver.accepted).toHaveLength(1);
});

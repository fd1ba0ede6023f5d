/**
 * Token exchange, RFC 8693, over HTTP: an API that was sent an access token has a narrower one for
 * the next API, with which no one is a confused deputy.
 */
import { decodeJwt } from 'jose';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { runScheduled } from '../../src/scheduled';
import { verifierOf } from '../client/verifier';
import {
  APP,
  BACKEND,
  basic,
  sha256Hex,
  startService,
  type TestService,
  type Tokens,
} from '../fixtures';
import { USER } from '../people';
import { bind, refusalOf, valueIn } from '../rpc/door';

const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const SHOP = 'https://shop.example';
const STOCK = 'https://stock.example';
const MAIL = 'https://mail.example';
const PRINT = 'https://print.example';
const ACCOUNT = 'https://sessions.example/account-api';
const SCOPES = ['read', 'write', 'mail'];

/** The APIs, each of which calls the next, and what it serves. */
const APIS = {
  shop: { serves: [SHOP], for_clients: [APP], audiences: [STOCK, MAIL, SHOP] },
  stock: { serves: [STOCK], for_clients: ['shop'], audiences: [MAIL] },
  mail: { serves: [MAIL], for_clients: ['stock'], audiences: [PRINT] },
  print: { serves: [PRINT], for_clients: ['mail'], audiences: [SHOP] },
  /** Is sent tokens for the shop, of another app. */
  stranger: { serves: [SHOP], for_clients: [BACKEND.id], audiences: [STOCK] },
} as const;
type Api = keyof typeof APIS;
const secretOf = (api: string) => `the-secret-of-the-api-${api}-of-the-tests`;
const asApi = (api: string) => ({ authorization: basic({ id: api, secret: secretOf(api) }) });

beforeEach(() => {
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

async function start(
  { app = {}, shop = {} }: { app?: object; shop?: object } = {},
  variables: Parameters<typeof startService>[0] = {},
) {
  const { CLIENTS } = (await startService()).env;
  const entries = JSON.parse(CLIENTS ?? '[]') as { client_id: string }[];
  const known = entries.map((entry) => ({
    ...entry,
    ...(entry.client_id === APP && { scopes: SCOPES, ...app }),
    ...(entry.client_id === BACKEND.id && { serves: [SHOP] }),
  }));
  const apis = Object.entries(APIS).map(async ([id, api]) => ({
    client_id: id,
    secret_sha256: await sha256Hex(secretOf(id)),
    allow: ['exchange', 'introspect', 'refresh'],
    ...api,
    ...(id === 'shop' && shop),
  }));
  const service = await startService({
    AUDIENCE: JSON.stringify([SHOP, STOCK, MAIL, PRINT]),
    ACCOUNT_AUDIENCE: ACCOUNT,
    CLIENTS: JSON.stringify([...known, ...(await Promise.all(apis))]),
    ...variables,
  });
  await service.create();
  return service;
}

interface Answer {
  access_token: string;
  expires_in: number;
  scope?: string;
  error?: string;
  error_description?: string;
  [name: string]: unknown;
}

async function exchange(
  service: TestService,
  api: Api,
  subjectToken: string,
  fields: Record<string, string> = {},
) {
  const { resource = STOCK, ...more } = fields;
  const response = await service.form(
    '/oauth/token',
    {
      grant_type: GRANT,
      subject_token: subjectToken,
      subject_token_type: ACCESS_TOKEN,
      ...(resource && { resource }),
      ...more,
    },
    asApi(api),
  );
  return { status: response.status, body: await response.json<Answer>() };
}

const invalid = (error: string) => ({ status: 400, body: { error } });

describe('§4.1: who acts', () => {
  it('support staff who began it stay known through an exchange, and a route can refuse them', async () => {
    const service = await start();
    await service.create({ user_id: USER });
    const body = { user_id: USER, resource: SHOP };
    const own = await service.create(body);
    const support = await service.create({ ...body, act: { sub: 'agent-7' }, reason: 'x' });
    const verifier = verifierOf(service, { audience: STOCK });
    const exchanged = async ({ access_token }: Tokens) =>
      (await exchange(service, 'shop', access_token)).body.access_token;
    const [ofOwn, ofSupport] = [await exchanged(own), await exchanged(support)];
    expect(decodeJwt(ofSupport).act).toEqual({
      sub: 'shop',
      client_id: 'shop',
      act: { sub: 'agent-7' },
    });
    for (const token of [ofOwn, ofSupport]) expect((await verifier.verify(token)).ok).toBe(true);
    expect((await verifier.verify(ofOwn, { actor: false })).ok).toBe(true);
    expect(await verifier.verify(ofSupport, { actor: false })).toMatchObject({
      ok: false,
      error: 'insufficient_scope',
    });
  });
});

describe('§2.2.1: the answer', () => {
  it('is an access token of the same person and session, for the next API', async () => {
    const service = await start();
    const { access_token } = await service.create({
      user_id: USER,
      resource: SHOP,
      claims: { org_id: 'acme' },
      amr: ['pwd'],
      acr: 'urn:acr:2',
    });
    const { status, body } = await exchange(service, 'shop', access_token);
    expect(status).toBe(200);
    expect(body).toEqual({
      access_token: expect.any(String),
      issued_token_type: ACCESS_TOKEN,
      token_type: 'Bearer',
      expires_in: 300,
      scope: 'read write mail',
    });
    const subject = decodeJwt(access_token);
    const { jti, ...claims } = decodeJwt(body.access_token);
    const { jti: _, ...before } = subject;
    expect(claims).toEqual({
      ...before,
      aud: STOCK,
      client_id: 'shop',
      act: { sub: 'shop', client_id: 'shop' },
    });
    expect(jti).not.toBe(subject.jti);
    expect((await verifierOf(service, { audience: STOCK }).verify(body.access_token)).ok).toBe(
      true,
    );
  });

  it('costs one read and no write', async () => {
    const service = await start();
    const { access_token } = await service.create({ user_id: USER });
    Object.assign(service.database, { roundTrips: 0, rowsRead: 0, rowsWritten: 0 });
    expect((await exchange(service, 'shop', access_token)).status).toBe(200);
    const { roundTrips, rowsRead, rowsWritten } = service.database;
    expect({ roundTrips, rowsRead, rowsWritten }).toEqual({
      roundTrips: 1,
      rowsRead: 1,
      rowsWritten: 0,
    });
  });

  it('is for several where several are named, by `resource` or by `audience` (§2.1)', async () => {
    const service = await start();
    const { access_token } = await service.create();
    const { body } = await exchange(service, 'shop', access_token, { audience: MAIL });
    expect(decodeJwt(body.access_token).aud).toEqual([STOCK, MAIL]);
    const one = await exchange(service, 'shop', access_token, { resource: '', audience: MAIL });
    expect(decodeJwt(one.body.access_token).aud).toBe(MAIL);
  });
});

describe('§2.1: the request', () => {
  it.each<[string, Record<string, string>, string]>([
    ['without a type of the subject token', { subject_token_type: '' }, 'invalid_request'],
    ['of another type', { subject_token_type: `${ACCESS_TOKEN}x` }, 'invalid_request'],
    [
      'of a refresh token',
      { subject_token_type: ACCESS_TOKEN.replace('access', 'refresh') },
      'invalid_request',
    ],
    ['for another type', { requested_token_type: `${ACCESS_TOKEN}x` }, 'invalid_request'],
    [
      'with an actor token',
      { actor_token: 'x', actor_token_type: ACCESS_TOKEN },
      'invalid_request',
    ],
    ['for nobody', { resource: '' }, 'invalid_request'],
    [
      'for nobody that the service knows',
      { resource: 'https://elsewhere.example' },
      'invalid_target',
    ],
    ['for an API that the client may not call', { resource: PRINT }, 'invalid_target'],
    ['for the account API', { resource: ACCOUNT }, 'invalid_target'],
    ['for one that it may call and another', { audience: PRINT }, 'invalid_target'],
  ])('%s', async (_, fields, error) => {
    const service = await start();
    const { access_token } = await service.create();
    service.database.roundTrips = 0;
    expect(await exchange(service, 'shop', access_token, fields)).toMatchObject(invalid(error));
    expect(service.database.roundTrips).toBe(0);
  });

  it('is for clients that may: others are `unauthorized_client`, and a public one has no secret', async () => {
    const service = await start({ shop: { allow: ['introspect'] } });
    const { access_token } = await service.create();
    expect(await exchange(service, 'shop', access_token)).toMatchObject(
      invalid('unauthorized_client'),
    );
    const fields = {
      grant_type: GRANT,
      subject_token: access_token,
      subject_token_type: ACCESS_TOKEN,
      resource: STOCK,
      client_id: APP,
    };
    const answer = await service.form('/oauth/token', fields);
    expect((await answer.json<Answer>()).error).toBe('unauthorized_client');
  });

  it('is in the metadata where a client may (RFC 8414 §2)', async () => {
    const grants = async (service: TestService) => {
      const answer = await service.request('/.well-known/oauth-authorization-server');
      return (await answer.json<{ grant_types_supported: string[] }>()).grant_types_supported;
    };
    expect(await grants(await start())).toContain(GRANT);
    const none = JSON.stringify([{ client_id: APP }]);
    expect(await grants(await startService({ CLIENTS: none }))).not.toContain(GRANT);
  });
});

describe('§2.2.2: a subject token that is not good', () => {
  it('forged, expired, or none: `invalid_request`, and no database call', async () => {
    const service = await start();
    const { access_token, refresh_token } = await service.create();
    service.database.roundTrips = 0;
    for (const token of [`${access_token.slice(0, -4)}AAAA`, refresh_token, 'x'])
      expect(await exchange(service, 'shop', token)).toMatchObject(invalid('invalid_request'));
    expect(service.database.roundTrips).toBe(0);
    service.advance(300);
    expect(await exchange(service, 'shop', access_token)).toMatchObject(invalid('invalid_request'));
  });

  it('of a session that is over', async () => {
    const service = await start();
    const { access_token, session } = await service.create({ user_id: USER });
    await service.backend('DELETE', `/v1/sessions/${session.id}`);
    const other = await startService(service.env, service.clock);
    for (const at of [service, other])
      expect(await exchange(at, 'shop', access_token)).toMatchObject(invalid('invalid_request'));
  });

  it('that went stale: nobody has what it says once more, as of now', async () => {
    const service = await start();
    const { access_token, session, refresh_token } = await service.create({
      user_id: USER,
      claims: { roles: ['admin'] },
    });
    const changed = await service.request(`/v1/sessions/${session.id}`, {
      method: 'PATCH',
      headers: { ...service.credentials, 'content-type': 'application/json' },
      body: JSON.stringify({ claims: { roles: [] }, apply: 'now' }),
    });
    expect(changed.status).toBe(200);
    service.advance(1);
    expect(await exchange(service, 'shop', access_token)).toMatchObject(invalid('invalid_request'));
    const { body } = await service.refresh(refresh_token);
    const fresh = await exchange(service, 'shop', body.access_token);
    expect(decodeJwt(fresh.body.access_token).roles).toEqual([]);
  });
});

describe('§5: no confused deputy', () => {
  it('a token of a client that the API does not act for is not good', async () => {
    const service = await start();
    const { access_token } = await service.create();
    service.database.roundTrips = 0;
    expect(await exchange(service, 'stranger', access_token)).toMatchObject(
      invalid('invalid_request'),
    );
    expect(service.database.roundTrips).toBe(0);
  });

  it('neither is one that was for another API than it serves', async () => {
    const service = await start();
    const { access_token } = await service.create({ resource: [STOCK, MAIL] });
    expect(await exchange(service, 'shop', access_token)).toMatchObject(invalid('invalid_request'));
  });

  it('what comes of it is not the person’s: it sees and ends no session', async () => {
    const service = await start({}, { ACCOUNT_AUDIENCE: '' });
    const { access_token } = await service.create({ user_id: USER });
    expect((await service.bearer('GET', '/v1/sessions', access_token)).status).toBe(200);
    const { body } = await exchange(service, 'shop', access_token, { resource: SHOP });
    expect(decodeJwt(body.access_token).aud).toBe(SHOP);
    expect((await service.bearer('GET', '/v1/sessions', body.access_token)).status).toBe(401);
    const revoked = await service.form(
      '/oauth/revoke',
      { token: body.access_token },
      asApi('shop'),
    );
    expect(revoked.status).toBe(400);
    expect((await service.bearer('GET', '/v1/sessions', access_token)).status).toBe(200);
  });

  it('ends with the session, as introspection and the revocation list say', async () => {
    const service = await start({}, { REVOCATION_LIST_MAX_AGE_SECONDS: '0' });
    const { access_token, session } = await service.create({ user_id: USER });
    const { body } = await exchange(service, 'shop', access_token);
    const introspect = async () => {
      const answer = await service.form(
        '/oauth/introspect',
        { token: body.access_token },
        asApi('stock'),
      );
      return answer.json<Record<string, unknown>>();
    };
    expect(await introspect()).toMatchObject({
      active: true,
      client_id: 'shop',
      act: { sub: 'shop' },
    });
    await service.backend('DELETE', `/v1/sessions/${session.id}`);
    expect(await introspect()).toEqual({ active: false });
    service.advance(1);
    const verifier = verifierOf(service, { audience: STOCK, revocations: { pollSeconds: 1 } });
    expect((await verifier.verify(body.access_token)).ok).toBe(false);
  });
});

describe('what comes of it is never more than the subject token', () => {
  it('in time: it expires with it, or with the life of tokens of its own client', async () => {
    const service = await start();
    const { access_token } = await service.create();
    service.advance(299);
    const late = await exchange(service, 'shop', access_token);
    expect(late.body.expires_in).toBe(1);
    expect(decodeJwt(late.body.access_token).exp).toBe(decodeJwt(access_token).exp);
    const short = await start({ shop: { sessions: { access_token_ttl_seconds: 20 } } });
    const fresh = await short.create();
    expect((await exchange(short, 'shop', fresh.access_token)).body.expires_in).toBe(20);
  });

  it('in scope: less for who asks, `invalid_scope` for who asks for more', async () => {
    const service = await start();
    const { access_token } = await service.create({ scope: 'read mail' });
    const less = await exchange(service, 'shop', access_token, { scope: 'mail' });
    expect([less.body.scope, decodeJwt(less.body.access_token).scope]).toEqual(['mail', 'mail']);
    for (const scope of ['write', 'mail write', 'mail"'])
      expect(await exchange(service, 'shop', access_token, { scope })).toMatchObject(
        invalid('invalid_scope'),
      );
    const next = await exchange(service, 'stock', less.body.access_token, { resource: MAIL });
    expect(next.body.scope).toBe('mail');
    expect(
      await exchange(service, 'stock', less.body.access_token, { resource: MAIL, scope: 'read' }),
    ).toMatchObject(invalid('invalid_scope'));
  });

  it('of a session without scopes, what is asked for is ignored', async () => {
    const service = await start({ app: { scopes: undefined } });
    const { access_token } = await service.create();
    const { status, body } = await exchange(service, 'shop', access_token, { scope: 'read' });
    expect([status, body.scope, decodeJwt(body.access_token).scope]).toEqual([200, '', undefined]);
  });

  it('in how the person proved who they are: a step-up since is not in it (NIST SP 800-63B §7.1)', async () => {
    const service = await start();
    const { access_token, refresh_token, session } = await service.create({ acr: 'urn:acr:1' });
    const stepped = await service.request(`/v1/sessions/${session.id}/authentication`, {
      method: 'POST',
      headers: { ...service.credentials, 'content-type': 'application/json' },
      body: JSON.stringify({ refresh_token, acr: 'urn:acr:2' }),
    });
    expect(stepped.status).toBe(200);
    const { body } = await exchange(service, 'shop', access_token);
    expect(decodeJwt(body.access_token).acr).toBe('urn:acr:1');
  });
});

describe('§4.1: who acts', () => {
  it('each in front of the one before, and three at most', async () => {
    const service = await start();
    const { access_token } = await service.create({ user_id: USER });
    const first = await exchange(service, 'shop', access_token);
    const second = await exchange(service, 'stock', first.body.access_token, { resource: MAIL });
    const third = await exchange(service, 'mail', second.body.access_token, { resource: PRINT });
    const claims = decodeJwt(third.body.access_token);
    expect(claims).toMatchObject({ sub: USER, client_id: 'mail', aud: PRINT });
    const by = (sub: string, act?: object) => ({ sub, client_id: sub, ...(act && { act }) });
    expect(claims.act).toEqual(by('mail', by('stock', by('shop'))));
    expect(
      await exchange(service, 'print', third.body.access_token, { resource: SHOP }),
    ).toMatchObject(invalid('invalid_request'));
  });

  it('a key that was rotated meanwhile changes nothing', async () => {
    const service = await start();
    const { access_token } = await service.create();
    await runScheduled(service.env, service.clock.now);
    const { body } = await exchange(service, 'shop', access_token);
    expect((await verifierOf(service, { audience: STOCK }).verify(body.access_token)).ok).toBe(
      true,
    );
  });
});

it('by RPC it is the same', async () => {
  const service = await start();
  const { access_token } = (await service.create({ scope: 'read' })) as Tokens;
  const bound = bind(service, 'shop');
  const input = { subject_token: access_token, resource: STOCK };
  const exchanged = valueIn(await bound.exchange(input));
  expect(exchanged).toMatchObject({
    issued_token_type: ACCESS_TOKEN,
    token_type: 'Bearer',
    scope: 'read',
  });
  expect(decodeJwt(exchanged.access_token)).toMatchObject({ aud: STOCK, client_id: 'shop' });
  const codes = [
    await bound.exchange({ ...input, resource: PRINT }),
    await bound.exchange({ ...input, scope: 'write' }),
    await bound.exchange({ subject_token: access_token }),
    await bind(service, APP).exchange(input),
  ].map((answer) => refusalOf(answer).code);
  expect(codes).toEqual([
    'invalid_target',
    'invalid_scope',
    'invalid_request',
    'client_not_allowed',
  ]);
});

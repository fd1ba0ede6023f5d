/**
 * Per client, what `sub` of its access tokens is: the user's id, or what one issuer calls the
 * person (RFC 9068 §2.2: unique among those that an issuer names). Then `uid` is the id, by which
 * the service, verifiers and the revocation list know the person, whatever `sub` looks like.
 */
import { env } from 'cloudflare:test';
import { decodeJwt } from 'jose';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createAccessTokenVerifier } from '../../src/client/verify';
import { parseConfig } from '../../src/config/config';
import { verifierOf } from '../client/verifier';
import {
  APP,
  AUDIENCE,
  BACKEND,
  basic,
  clientsWith,
  postSession,
  readRow,
  START,
  startService,
  type TestService,
  type Tokens,
} from '../fixtures';
import { bind, refusalOf, valueIn } from '../rpc/door';
import { CLIENT_AT_PROVIDER, openProvider, PROVIDER, type Provider } from './provider';

const TENANT = 'https://tenant.example/';
const ADA = { issuer: TENANT, subject: 'auth0|64b7f9e2' };
const VICTIM = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c11';
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const BY_ID_TOKEN = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

let service: TestService;
let plain: TestService;
let provider: Provider;

/** `app` names people as the tenant does; `other-app` by their user ids. */
async function start(app: object = { subject: { external: TENANT } }) {
  return startService(
    {
      CLIENTS: clientsWith(plain, APP, { allow: ['refresh', 'sign_in'], ...app }),
      TRUSTED_ISSUERS: JSON.stringify([
        { issuer: TENANT, audience: CLIENT_AT_PROVIDER, nonce: 'optional' },
        { issuer: PROVIDER, audience: CLIENT_AT_PROVIDER, nonce: 'optional' },
      ]),
      REVOCATION_LIST_MAX_AGE_SECONDS: '1',
    },
    { now: START },
    provider.send,
  );
}

beforeEach(async () => {
  await env.DB.exec(
    'DELETE FROM user_sessions; DELETE FROM users; DELETE FROM session_events; DELETE FROM used_assertions; DELETE FROM outdated_tokens',
  );
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  provider = await openProvider(TENANT);
  plain = await startService();
  service = await start();
  return () => vi.restoreAllMocks();
});

const idOf = ({ session }: Tokens) => session.user_id as string;
const signInBy = async (sub: string, issuer = TENANT) => {
  const assertion = await provider.idToken({ sub, iss: issuer });
  const fields = { grant_type: BY_ID_TOKEN, assertion, client_id: APP };
  const answer = await service.form('/oauth/token', fields);
  return { status: answer.status, body: (await answer.json()) as Tokens & { reason?: string } };
};
const introspect = async (token: string) =>
  (await service.form('/oauth/introspect', { token }, { authorization: basic(BACKEND) })).json<
    Record<string, unknown>
  >();

describe('sub of an external client', () => {
  it('is the subject at its issuer, with uid beside it, from the start and after each refresh', async () => {
    const created = await service.create({ user: ADA });
    const named = { sub: ADA.subject, uid: idOf(created), sid: created.session.id };
    expect(decodeJwt(created.access_token)).toMatchObject(named);
    service.advance(31);
    const { body } = await service.refresh(created.refresh_token);
    expect(decodeJwt(body.access_token)).toMatchObject(named);
    expect(idOf(created)).toMatch(/^[\da-f-]{36}$/);
  });

  it('is the same where the person is named by user_id, or signs in by an ID token', async () => {
    const known = await service.create({ user: ADA });
    const byId = await service.create({ user_id: idOf(known) });
    expect(decodeJwt(byId.access_token)).toMatchObject({ sub: ADA.subject, uid: idOf(known) });
    const { status, body } = await signInBy(ADA.subject);
    expect(status).toBe(200);
    expect(decodeJwt(body.access_token)).toMatchObject({ sub: ADA.subject, uid: idOf(known) });
  });

  it('is the user’s id for another client of the same person, without uid', async () => {
    const known = await service.create({ user: ADA });
    const other = await service.create({ user: ADA, client_id: 'other-app' });
    const claims = decodeJwt(other.access_token);
    expect(claims.sub).toBe(idOf(known));
    expect(claims).not.toHaveProperty('uid');
  });

  it('is the session’s id for a guest, as ever', async () => {
    const { access_token, session } = await service.create();
    expect(decodeJwt(access_token)).toMatchObject({ sub: session.id, guest: true });
    expect(decodeJwt(access_token)).not.toHaveProperty('uid');
  });

  it('is the user’s for support staff who act as the user', async () => {
    const known = await service.create({ user: ADA });
    const act = { act: { sub: 'support@example.com' }, reason: 'ticket 7' };
    for (const whose of [{ user: ADA }, { user_id: idOf(known) }]) {
      const { access_token } = await service.create({ ...whose, ...act });
      expect(decodeJwt(access_token)).toMatchObject({
        sub: ADA.subject,
        uid: idOf(known),
        act: act.act,
      });
    }
  });

  it('is said by introspection, of both kinds of token, and by RPC', async () => {
    const { access_token, refresh_token, session } = await service.create({ user: ADA });
    const named = { active: true, sub: ADA.subject, uid: session.user_id };
    expect(await introspect(access_token)).toMatchObject(named);
    const bound = bind(service, BACKEND.id);
    expect(valueIn(await bound.introspect({ token: access_token }))).toMatchObject(named);
    const own = valueIn(await bound.create({ user: ADA, client_id: APP }));
    expect(decodeJwt(own.access_token)).toMatchObject({ sub: ADA.subject });
    const ofBackend = await start({});
    const backends = clientsWith(ofBackend, BACKEND.id, { subject: { external: TENANT } });
    service = await startService({ ...ofBackend.env, CLIENTS: backends });
    const mine = await service.create({ user: ADA, client_id: BACKEND.id });
    expect(await introspect(mine.refresh_token)).toMatchObject({
      token_type: 'refresh_token',
      ...named,
    });
    expect(refresh_token).not.toBe(mine.refresh_token);
  });

  it('costs a refresh nothing: one round trip, one row written', async () => {
    const { refresh_token } = await service.create({ user: ADA });
    service.advance(31);
    Object.assign(service.database, { roundTrips: 0, rowsWritten: 0 });
    await service.refresh(refresh_token);
    expect(service.database).toMatchObject({ roundTrips: 1, rowsWritten: 1 });
  });
});

describe('a person whom the issuer does not name begins no session of the client', () => {
  it.each([
    ['by an id that nobody has named', { user_id: VICTIM }],
    ['by another issuer', { user: { issuer: PROVIDER, subject: 'ada' } }],
    [
      'by an issuer that is spelled otherwise',
      { user: { ...ADA, issuer: 'https://tenant.example' } },
    ],
  ])('%s', async (_, whose) => {
    const { status, body } = await postSession(service, whose);
    expect([status, body.code]).toEqual([400, 'invalid_request']);
    expect(
      refusalOf(await bind(service, BACKEND.id).create({ ...whose, client_id: APP })).code,
    ).toBe('invalid_request');
    const sessions = await env.DB.prepare('SELECT count(*) AS n FROM user_sessions').first();
    expect(sessions).toEqual({ n: 0 });
  });

  it('by an ID token of another issuer', async () => {
    const own = provider;
    provider = await openProvider(PROVIDER);
    service = await start();
    expect(await signInBy('ada', PROVIDER)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant', reason: 'wrong_claims' },
    });
    provider = own;
  });

  it.each([
    VICTIM,
    VICTIM.toUpperCase(),
    `{${VICTIM}}`,
    `urn:uuid:${VICTIM}`,
    VICTIM.replaceAll('-', ''),
    ` ${VICTIM}\n`,
    `urn:uuid:{${VICTIM.replaceAll('-', '–')}}`,
  ])('by a subject that is another person’s user id, or reads like one: %j', async (subject) => {
    await service.create({ user_id: VICTIM, client_id: 'other-app' });
    const { status, body } = await postSession(service, { user: { issuer: TENANT, subject } });
    expect([status, body.code]).toEqual([400, 'invalid_request']);
    expect((await signInBy(subject)).body).toMatchObject({ error: 'invalid_grant' });
    // Nor where the person is known already, by another client.
    const other = { user: { issuer: TENANT, subject }, client_id: 'other-app' };
    const { user_id } = (await service.create(other)).session;
    expect(user_id).not.toBe(VICTIM);
    expect((await postSession(service, { user_id })).status).toBe(400);
  });
});

describe('a sub that is another person’s user id is nobody’s but uid’s', () => {
  /** Whatever wrote such a row: the token says the victim's id as `sub`. */
  async function attack() {
    const victim = await service.create({ user_id: VICTIM, client_id: 'other-app' });
    const attacker = await service.create({ user: ADA });
    await env.DB.prepare('UPDATE user_sessions SET issued_name = ? WHERE id = ?')
      .bind(JSON.stringify([TENANT, VICTIM]), attacker.session.id)
      .run();
    service.advance(31);
    const { body } = await service.refresh(attacker.refresh_token);
    const uid = idOf(attacker);
    expect(decodeJwt(body.access_token)).toMatchObject({ sub: VICTIM, uid });
    return { victim, uid, token: body.access_token, own: attacker.session.id };
  }

  it('in the account API: it sees and ends the attacker’s own sessions', async () => {
    const { victim, uid, token, own } = await attack();
    const listed = (await (await service.bearer('GET', '/v1/sessions', token)).json()) as {
      sessions: { id: string; user_id: string }[];
    };
    expect(listed.sessions).toMatchObject([{ id: own, user_id: uid }]);
    const events = await (await service.bearer('GET', '/v1/events', token)).text();
    expect(events).not.toContain(VICTIM);
    expect((await service.bearer('GET', `/v1/sessions/${victim.session.id}`, token)).status).toBe(
      404,
    );
    expect(
      (await service.bearer('DELETE', `/v1/sessions/${victim.session.id}`, token)).status,
    ).toBe(404);
    await service.bearer('POST', '/v1/sessions/revoke-others', token);
    expect((await readRow(victim.session.id))?.revoked_at).toBe(null);
  });

  it('in introspection, at a gateway, and in what an exchange makes of it', async () => {
    const { uid, token } = await attack();
    expect(await introspect(token)).toMatchObject({ active: true, sub: VICTIM, uid });
    const verified = await service.bearer('GET', '/verify', token);
    expect(verified.headers.get('x-user-id')).toBe(uid);
    const exchanged = await service.form(
      '/oauth/token',
      {
        grant_type: EXCHANGE,
        subject_token: token,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        resource: AUDIENCE,
      },
      { authorization: basic(BACKEND) },
    );
    const { access_token } = (await exchanged.json()) as Tokens;
    expect(decodeJwt(access_token)).toMatchObject({ sub: VICTIM, uid, act: { sub: BACKEND.id } });
  });

  it('at a verifier: the list ends tokens by uid, and never by what sub says', async () => {
    const { uid, token } = await attack();
    const verifier = verifierOf(service, { revocations: { pollSeconds: 1 } });
    const isGood = async () => (await verifier.verify(token)).ok;
    expect(await isGood()).toBe(true);
    service.advance(2);
    await service.backend('DELETE', `/v1/users/${VICTIM}/sessions`);
    service.advance(5);
    expect(await isGood()).toBe(true);
    // Tokens of all sessions that the person had, also where a session's own entry is not listed.
    await env.DB.prepare('UPDATE outdated_tokens SET subject = ? WHERE subject = ?')
      .bind(uid, VICTIM)
      .run();
    service.advance(5);
    expect(await isGood()).toBe(false);
  });
});

describe('sessions from before', () => {
  it('keep the user’s id as sub until they end, and so do those of another issuer', async () => {
    service = await start({});
    const before = await service.create({ user: ADA });
    service = await start();
    service.advance(31);
    const { body } = await service.refresh(before.refresh_token);
    expect(decodeJwt(body.access_token).sub).toBe(idOf(before));
    const named = await service.create({ user: ADA });
    expect(decodeJwt(named.access_token).sub).toBe(ADA.subject);
    const clock = service.clock.now + 31_000;
    service = await start({ subject: { external: PROVIDER } });
    service.clock.now = clock;
    const again = await service.refresh(named.refresh_token);
    expect(decodeJwt(again.body.access_token).sub).toBe(idOf(named));
  });
});

describe('the page that is rendered, and uid among custom claims', () => {
  it('getSession tells the user by uid', async () => {
    const { access_token, session } = await service.create({ user: ADA });
    const verifier = createAccessTokenVerifier({
      issuer: 'https://sessions.example',
      audience: AUDIENCE,
      cookie: true,
      fetch: async (input, init) => service.app.request(new Request(input, init)),
      now: () => service.clock.now,
    });
    const headers = new Headers({ cookie: `__Host-access=${access_token}` });
    const page = await verifier.getSession({ method: 'GET', headers });
    expect(page).toMatchObject({ state: 'active', userId: session.user_id });
  });

  it('uid is no custom claim, and one of a release before is in no token', async () => {
    const { status, body } = await postSession(service, { user: ADA, claims: { uid: VICTIM } });
    expect([status, body.code]).toEqual([400, 'invalid_request']);
    const { session, refresh_token } = await service.create({
      user_id: VICTIM,
      client_id: 'other-app',
    });
    await env.DB.prepare('UPDATE user_sessions SET claims = ? WHERE id = ?')
      .bind('{"uid":"somebody-else"}', session.id)
      .run();
    service.advance(31);
    const refreshed = await service.refresh(refresh_token, 'other-app');
    expect(decodeJwt(refreshed.body.access_token)).not.toHaveProperty('uid');
  });
});

describe('CLIENTS[].subject', () => {
  const refused = (...apps: object[]) => {
    const clients = apps.map((app, index) => ({ client_id: `app-${index}`, ...app }));
    const AUDIENCE = '["https://a.example","https://b.example","https://c.example"]';
    const env = { ...plain.env, AUDIENCE, CLIENTS: JSON.stringify(clients) };
    return [...parseConfig(env).refusedClients.values()].flat();
  };

  it('is user_id, or one issuer', () => {
    expect(refused({ subject: 'user_id' }, { subject: { external: TENANT } })).toEqual([]);
    for (const subject of ['external', { external: 'tenant' }, {}, { external: TENANT, x: 1 }])
      expect(refused({ subject }).join()).toContain('CLIENTS: 0.subject');
  });

  it('names one issuer for each audience: two may call two people the same', () => {
    const ofTenant = { subject: { external: TENANT } };
    const ofProvider = { subject: { external: PROVIDER } };
    expect(refused(ofTenant, ofProvider)).toEqual([
      'CLIENTS: app-0: subject is of another issuer than that of app-1, for the same audience',
      'CLIENTS: app-1: subject is of another issuer than that of app-0, for the same audience',
    ]);
    const [a, b] = ['https://a.example', 'https://b.example'];
    expect(refused({ ...ofTenant, audiences: [a] }, { ...ofProvider, audiences: [b] })).toEqual([]);
    expect(refused({ ...ofTenant, audiences: [a] }, ofProvider)).toHaveLength(2);
  });

  it('counts among a client’s audiences those for which APIs exchange its tokens', () => {
    const [a, b, c] = ['https://a.example', 'https://b.example', 'https://c.example'];
    const clients = (...apis: { id: string; from: string[]; serves: string; to: string }[]) =>
      refused(
        { subject: { external: TENANT }, audiences: [a] },
        { subject: { external: PROVIDER }, audiences: [c] },
        ...apis.map(({ id, from, serves, to }, index) => ({
          client_id: id,
          secret_sha256: `${index}`.repeat(64),
          allow: ['exchange'],
          for_clients: from,
          serves: [serves],
          audiences: [to],
        })),
      );
    const first = { id: 'first', from: ['app-0'], serves: a, to: b };
    const second = { id: 'second', from: ['first'], serves: b, to: c };
    const both = [
      'CLIENTS: app-0: subject is of another issuer than that of app-1, for the same audience',
      'CLIENTS: app-1: subject is of another issuer than that of app-0, for the same audience',
    ];
    expect(clients({ ...first, to: c })).toEqual(both);
    // From one API to the next; and round, which ends.
    expect(clients(first, second)).toEqual(both);
    expect(clients(first, second, { id: 'back', from: ['second'], serves: c, to: a })).toEqual(
      both,
    );
    expect(clients(first)).toEqual([]);
    expect(clients(second, { ...first, from: ['back'] }).join()).not.toContain('subject');
    // Of tokens that are not sent to it, an API has nothing to exchange.
    expect(clients({ ...first, serves: b, to: c })).toEqual([]);
  });
});

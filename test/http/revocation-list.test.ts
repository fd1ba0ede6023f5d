/** `GET /.well-known/revocations`: who is in it, for how long, and what it costs. */
import { env } from 'cloudflare:test';
import { base64url } from 'jose';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { sha256Prefix } from '../../src/crypto';
import { toFormerDocument } from '../../src/sessions/revocation-document';
import { boundRevocations } from '../../src/sessions/revocation-list';
import { START, startService, type TestService } from '../fixtures';
import { USER } from '../people';

/** The life of an access token, what verifiers tolerate, and the clocks' difference. */
const LISTED_FOR = 300 + 60 + 60;
/** The list's own max-age. */
const KEPT_FOR = 10;

beforeEach(async () => {
  await env.DB.exec('DELETE FROM user_sessions; DELETE FROM users; DELETE FROM outdated_tokens');
  for (const level of ['log', 'warn'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

interface Document {
  salt: string;
  sessions: string;
  not_before: string;
  complete: boolean;
}
interface Former {
  sessions: string[];
  not_before: Record<string, number>;
  complete: boolean;
}
const ask = (service: TestService, headers: Record<string, string> = {}) =>
  service.request('/.well-known/revocations', { headers });

/** The list as it is now, by an isolate that has kept none. */
async function read({ clock }: TestService) {
  return readAt(await startService({}, clock));
}

async function readAt(service: TestService) {
  const document = await (await ask(service)).json<Document>();
  const entries = (text: string, width: number) => {
    const view = new DataView(base64url.decode(text).buffer as ArrayBuffer);
    return Array.from({ length: view.byteLength / width }, (_, index) => ({
      hash: view.getUint32(index * width) * 65_536 + view.getUint16(index * width + 4),
      second: width > 6 ? view.getUint32(index * width + 6) : 0,
    }));
  };
  const sessions = entries(document.sessions, 6);
  const subjects = entries(document.not_before, 10);
  const toHash = (id: string) => sha256Prefix(`${document.salt} ${id}`);
  return {
    complete: document.complete,
    count: { sessions: sessions.length, subjects: subjects.length },
    hasSession: async (id: string) => {
      const hash = await toHash(id);
      return sessions.some((entry) => entry.hash === hash);
    },
    notBeforeOf: async (id: string) => {
      const hash = await toHash(id);
      return subjects.find((entry) => entry.hash === hash)?.second ?? null;
    },
  };
}

const readFormer = async (service: TestService): Promise<Former> =>
  (await service.request('/.well-known/revoked-sessions')).json();

/** Sessions that ended `secondsAgo`, by plain SQL. */
const insertRevoked = (count: number, secondsAgo: number) =>
  env.DB.prepare(
    `INSERT INTO user_sessions (refresh_token, revoked_at) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) SELECT i, ${START / 1000 - secondsAgo} FROM n`,
  ).run();
const insertNotBefore = (count: number, secondsAgo: number) =>
  env.DB.prepare(
    `INSERT INTO outdated_tokens (subject, not_before, expires_at) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) SELECT 'user-' || i, ${START / 1000 - secondsAgo}, 253402300799 FROM n`,
  ).run();

describe('the revocation list', () => {
  it('has sessions that ended, by whatever way, for as long as a token of theirs may be good', async () => {
    const service = await startService({ MAX_SESSIONS_PER_USER: '3' });
    expect((await read(service)).count).toEqual({ sessions: 0, subjects: 0 });
    const signedOut = await service.create();
    await service.bearer('DELETE', '/v1/sessions/current', signedOut.access_token);
    const stolen = await service.create();
    service.advance(30);
    const { body } = await service.refresh(stolen.refresh_token);
    service.advance(30);
    await service.refresh(body.refresh_token);
    service.advance(30);
    await service.refresh(stolen.refresh_token);
    const evicted = await service.create({ user_id: USER });
    service.advance(1);
    for (let number = 0; number < 3; number += 1) await service.create({ user_id: USER });
    const list = await read(service);
    expect(list.count.sessions).toBe(3);
    for (const { session } of [signedOut, stolen, evicted])
      expect(await list.hasSession(session.id)).toBe(true);
    service.advance(LISTED_FOR - 91 - 1);
    expect((await read(service)).count.sessions).toBe(3);
    service.advance(1);
    expect(await (await read(service)).hasSession(signedOut.session.id)).toBe(false);
    service.advance(LISTED_FOR);
    expect((await read(service)).count.sessions).toBe(0);
  });

  it('has users who were signed out everywhere for as long, and no longer than their tokens live', async () => {
    const service = await startService();
    await service.create({ user_id: USER });
    await service.backend('DELETE', `/v1/users/${USER}/sessions`);
    expect(await (await read(service)).notBeforeOf(USER)).toBe(START / 1000);
    // A not-before of an operator ends sessions of any age, but the tokens from before it are gone.
    await insertNotBefore(50, LISTED_FOR);
    expect((await read(service)).count.subjects).toBe(1);
    service.advance(LISTED_FOR - 1);
    expect((await read(service)).count.subjects).toBe(1);
    service.advance(1);
    expect((await read(service)).count.subjects).toBe(0);
  });

  it('has the sessions of the erased, and their ids nowhere', async () => {
    const service = await startService();
    const erased = crypto.randomUUID();
    const { session } = await service.create({ user_id: erased });
    await service.backend('DELETE', `/v1/users/${erased}/sessions`);
    await service.backend('DELETE', `/v1/users/${erased}`);
    const list = await read(service);
    expect(await list.hasSession(session.id)).toBe(true);
    expect(await list.notBeforeOf(erased)).toBeNull();
    const { sessions, not_before } = await readFormer(service);
    expect({ sessions, not_before }).toEqual({ sessions: [session.id], not_before: {} });
    for (const table of ['users', 'user_sessions', 'session_events', 'outdated_tokens']) {
      const { results } = await env.DB.prepare(`SELECT * FROM ${table}`).all();
      expect(JSON.stringify(results)).not.toContain(erased);
    }
  });

  it('signing out twice keeps the later time', async () => {
    const service = await startService();
    for (let time = 0; time < 2; time += 1) {
      await service.create({ user_id: USER });
      await service.backend('DELETE', `/v1/users/${USER}/sessions`);
      service.advance(60);
    }
    expect(await (await read(service)).notBeforeOf(USER)).toBe(START / 1000 + 60);
  });

  it('names nobody: neither users, nor sessions, nor homes, and nobody the same way on two days', async () => {
    const service = await startService();
    const texts: string[] = [];
    for (let day = 0; day < 2; day += 1) {
      const { session } = await service.create({ user_id: USER, user_agent: 'curl/8' });
      await service.backend('DELETE', `/v1/users/${USER}/sessions`);
      const text = await (await ask(service)).text();
      expect(text).not.toMatch(new RegExp(`${USER}|${session.id}|curl|DB|home`));
      texts.push((JSON.parse(text) as Document).not_before);
      service.advance(86_400);
    }
    const [first, second] = texts.map((text) => text.slice(0, 8));
    expect(first).not.toBe(second);
  });

  it('may be cached for a stated time by anyone, counted from when it was made, and is not sent again when unchanged', async () => {
    const service = await startService({ REVOCATION_LIST_MAX_AGE_SECONDS: '5' });
    const first = await ask(service);
    expect(first.headers.get('cache-control')).toBe('public, max-age=5');
    expect(first.headers.get('access-control-allow-origin')).toBe('*');
    expect(first.headers.get('age')).toBe('0');
    service.advance(3);
    expect((await ask(service)).headers.get('age')).toBe('3');
    service.advance(2);
    const etag = first.headers.get('etag') as string;
    expect((await ask(service, { 'if-none-match': etag })).status).toBe(304);
    const { access_token } = await service.create();
    await service.bearer('DELETE', '/v1/sessions/current', access_token);
    service.advance(5);
    expect((await ask(service, { 'if-none-match': etag })).status).toBe(200);
  });
});

describe('what the list costs', () => {
  const costOf = async (service: TestService, request: () => Promise<unknown>) => {
    Object.assign(service.database, { roundTrips: 0, rowsRead: 0, rowsWritten: 0 });
    await request();
    const { roundTrips, rowsRead, rowsWritten } = service.database;
    return { roundTrips, rowsRead, rowsWritten };
  };

  it('is nothing within its max-age, at either address, whoever asks how often', async () => {
    const service = await startService();
    await ask(service);
    service.advance(KEPT_FOR - 1);
    const cost = await costOf(service, async () => {
      for (let time = 0; time < 5; time += 1) await ask(service);
      await readFormer(service);
    });
    expect(cost).toEqual({ roundTrips: 0, rowsRead: 0, rowsWritten: 0 });
  });

  it('is nothing for a second even where no cache may keep it', async () => {
    const service = await startService({ REVOCATION_LIST_MAX_AGE_SECONDS: '0' });
    await ask(service);
    expect((await costOf(service, () => ask(service))).roundTrips).toBe(0);
    service.advance(1);
    expect((await costOf(service, () => ask(service))).roundTrips).toBe(1);
  });

  it('is one question when many ask at once after it', async () => {
    const service = await startService();
    await ask(service);
    service.advance(KEPT_FOR);
    const cost = await costOf(service, () => Promise.all([1, 2, 3, 4].map(() => ask(service))));
    expect(cost.roundTrips).toBe(1);
  });

  it('is one round trip that reads what it lists, however many sessions and not-befores there are', async () => {
    const service = await startService();
    for (let number = 0; number < 50; number += 1) await service.create();
    await insertRevoked(1_000, LISTED_FOR + 1);
    await insertNotBefore(1_000, LISTED_FOR + 1);
    const { access_token } = await service.create();
    await service.bearer('DELETE', '/v1/sessions/current', access_token);
    const cost = await costOf(service, () => ask(service));
    expect(cost).toMatchObject({ roundTrips: 1, rowsWritten: 0 });
    expect(cost.rowsRead).toBeLessThanOrEqual(4);
  });

  it('is, the next time, what ended since', async () => {
    const service = await startService();
    await insertRevoked(5_000, 61);
    expect((await costOf(service, () => ask(service))).rowsRead).toBeGreaterThanOrEqual(5_000);
    service.advance(60);
    const { access_token, session } = await service.create();
    await service.bearer('DELETE', '/v1/sessions/current', access_token);
    const cost = await costOf(service, async () => {
      const list = await readAt(service);
      expect(list.count.sessions).toBe(5_001);
      expect(await list.hasSession(session.id)).toBe(true);
    });
    expect(cost.rowsRead).toBeLessThanOrEqual(4);
  });
});

describe('beyond its size', () => {
  const list = {
    home: 'DB',
    sessions: new Map([
      ['oldest', 10],
      ['older', 20],
      ['newer', 30],
      ['newest', 40],
    ]),
    notBefore: new Map([
      ['u-old', 15],
      ['u-new', 45],
    ]),
    homeNotBefore: 0,
    readAt: 0,
  };

  it('the newest are listed, and the home’s own moment covers the rest, of that second too', () => {
    const { sessions, notBefore, homeNotBefore } = boundRevocations(list, {
      sessions: 2,
      notBefore: 2,
    });
    expect([...sessions.keys()].sort()).toEqual(['newer', 'newest']);
    expect(notBefore.size).toBe(2);
    expect(homeNotBefore).toBe(21);
  });

  it('a user’s moment that is left out is covered as it is', () => {
    const { notBefore, homeNotBefore } = boundRevocations(list, { sessions: 4, notBefore: 1 });
    expect([...notBefore.keys()]).toEqual(['u-new']);
    expect(homeNotBefore).toBe(15);
  });

  it('verifiers of the release before are told the same by the home’s name', () => {
    expect(toFormerDocument([list], true, { sessions: 2, notBefore: 2 })).toEqual({
      sessions: ['newer', 'newest'],
      not_before: { 'home:DB': 21, 'u-old': 15, 'u-new': 45 },
      complete: true,
    });
  });

  it('the former list goes on deciding about everything', async () => {
    const service = await startService();
    await insertRevoked(5, 100);
    await insertRevoked(10_000, 50);
    const { sessions, not_before, complete } = await readFormer(service);
    expect({ length: sessions.length, not_before, complete }).toEqual({
      length: 10_000,
      not_before: { 'home:DB': START / 1000 - 99 },
      complete: true,
    });
  });
});

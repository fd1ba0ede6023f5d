/** What a session is called, and what backends keep with it: who sees it, and where it never is. */
import { env } from 'cloudflare:test';
import { decodeJwt } from 'jose';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { APP, BACKEND, readRow, startService, type TestService } from '../fixtures';
import { emptyHomes, startThreeHomes } from '../homes/three-homes';
import { USER } from '../people';
import { bind, valueIn } from '../rpc/door';

const KEPT = { label: 'Work phone', metadata: { plan: 'team', seats: [1, 2] } };

let service: TestService;
beforeEach(async () => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  await env.DB.exec('DELETE FROM user_sessions; DELETE FROM users; DELETE FROM session_events');
  service = await startService();
  return () => vi.restoreAllMocks();
});

const read = async (response: Response) => (await response.json()) as Record<string, unknown>;

describe('label and metadata of a new session', () => {
  it('are shown to backends', async () => {
    const { session } = await service.create({ user_id: USER, ...KEPT });
    expect(session).toMatchObject(KEPT);
    expect(await read(await service.backend('GET', `/v1/sessions/${session.id}`))).toEqual({
      session,
    });
    const listed = await read(await service.backend('GET', `/v1/users/${USER}/sessions`));
    expect(listed.sessions).toEqual([session]);
    const all = await read(
      await service.backend('GET', `/v1/users/${USER}/sessions?include=ended`),
    );
    expect(all.sessions).toEqual([session]);
  });

  it('the label to its person too, the metadata to nobody else, and neither is in a token', async () => {
    const { session, access_token, refresh_token } = await service.create({
      user_id: USER,
      ...KEPT,
    });
    for (const path of ['/v1/sessions', '/v1/sessions/current', `/v1/sessions/${session.id}`]) {
      const text = await (await service.bearer('GET', path, access_token)).text();
      expect(text).toContain('"label":"Work phone"');
      expect(text).not.toContain('metadata');
      expect(text).not.toContain('seats');
    }
    const { body } = await service.refresh(refresh_token);
    for (const token of [access_token, body.access_token])
      expect(JSON.stringify(decodeJwt(token))).not.toMatch(/Work phone|metadata|seats/);
  });

  it('are NULL where nothing is given', async () => {
    const { session } = await service.create({ user_id: USER });
    expect(session).toMatchObject({ label: null, metadata: null, act: null });
    expect(await readRow(session.id)).toMatchObject({ label: null, metadata: null });
  });

  it.each([
    ['an empty label', { label: '  ' }],
    ['a long one', { label: 'x'.repeat(81) }],
    ['one that turns the text around', { label: 'a\u202eb' }],
    ['one of two lines', { label: 'a\nb' }],
    ['a label that is none', { label: 7 }],
    ['metadata above 2 KB', { metadata: { text: 'x'.repeat(2048) } }],
    ['metadata that is no object', { metadata: ['x'] }],
  ])('are refused as a whole for %s', async (_, body) => {
    const [[name]] = Object.entries(body) as [[string, unknown]];
    await expect(service.create({ user_id: USER, ...body })).rejects.toThrow(`"field":"${name}"`);
  });

  it.each(['Zoë’s 👩‍👩‍👧 iPad', 'گوشی می‌خواهم'])('take a name like %s', async (label) => {
    const { session } = await service.create({ user_id: USER, label: ` ${label} ` });
    expect(session.label).toBe(label);
  });

  it('are the same by RPC', async () => {
    const backend = bind(service, BACKEND.id);
    const { session } = valueIn(await backend.create({ user_id: USER, client_id: APP, ...KEPT }));
    expect(session).toMatchObject(KEPT);
    expect(valueIn(await backend.list({ user_id: USER })).sessions).toMatchObject([KEPT]);
  });

  it('are in the export, and gone with the person', async () => {
    const { session } = await service.create({ user_id: USER, ...KEPT });
    const path = `/v1/users/${USER}/export?cursor=DB.sessions.0`;
    const { records } = await read(await service.backend('GET', path));
    expect(records).toEqual([
      expect.objectContaining({ table: 'user_sessions', row: expect.objectContaining(KEPT) }),
    ]);
    await service.backend('DELETE', `/v1/users/${USER}`);
    expect(await readRow(session.id)).toBeNull();
  });

  it('as are what was granted, each as the JSON that it is', async () => {
    await service.create({ user_id: USER });
    await env.DB.exec(`UPDATE user_sessions SET scopes = '["read"]', audiences = '["urn:a"]'`);
    const path = `/v1/users/${USER}/export?cursor=DB.sessions.0`;
    const { records } = await read(await service.backend('GET', path));
    const row = expect.objectContaining({ scopes: ['read'], audiences: ['urn:a'] });
    expect(records).toEqual([expect.objectContaining({ row })]);
  });
});

it('both move along to another home, and stay in none that was left', async () => {
  await emptyHomes();
  const { service: moving, post } = await startThreeHomes();
  const { session } = await moving.create({ user_id: USER, ...KEPT });
  const moved = await post(`/v1/users/${USER}/move`, { home: 'DB_WEUR' });
  expect(moved).toMatchObject({ status: 200 });
  const found = await read(await moving.backend('GET', `/v1/sessions/${session.id}`));
  expect(found.session).toMatchObject(KEPT);
  expect(await readRow(session.id)).toMatchObject({ label: null, metadata: null, act: null });
});

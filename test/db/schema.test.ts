/** The tables as plain SQL sees them. */
import { env } from 'cloudflare:test';
import { drizzle } from 'drizzle-orm/d1';
import { describe, expect, it } from 'vitest';
import { userSessions } from '../../src/db/schema';
import { startService } from '../fixtures';

const USER = '3f6c1f0e-7a53-4a4c-9d5e-2b1c8f0a6d11';
const sample = {
  id: '0b8f2f3e-1111-4222-8333-944445555666',
  user_id: USER,
  refresh_token: 'AbCdEf0123456789AbCdEf0123456789AbCdEf01234',
  user_agent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64)',
  ip_address: '192.168.0.103',
  created_at: Date.UTC(2025, 5, 21, 9, 35) / 1000,
  expires_at: Date.UTC(2025, 6, 21, 9, 35) / 1000,
};

const insertUser = (id: string) => env.DB.prepare('INSERT INTO users (id) VALUES (?)').bind(id).run();
const insert = (row: Record<string, unknown>) =>
  env.DB.prepare(
    `INSERT INTO user_sessions (${Object.keys(row)}) VALUES (${Object.keys(row).map(() => '?')}) RETURNING *`,
  )
    .bind(...Object.values(row))
    .first<Record<string, unknown>>();

describe('user_sessions', () => {
  it('has the columns that were asked for, with their nullability and defaults', async () => {
    const { results } = await env.DB.prepare(
      'SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(\'user_sessions\')',
    ).all();
    const columns = Object.fromEntries(results.map((column) => [column.name, column]));
    expect(columns).toMatchObject({
      id: { type: 'TEXT', notnull: 1, pk: 1, dflt_value: expect.stringContaining('randomblob') },
      user_id: { type: 'TEXT', notnull: 0, dflt_value: null },
      refresh_token: { type: 'TEXT', notnull: 1, dflt_value: null },
      user_agent: { type: 'TEXT', notnull: 0, dflt_value: null },
      ip_address: { type: 'TEXT', notnull: 0, dflt_value: null },
      created_at: { type: 'INTEGER', notnull: 1, dflt_value: 'unixepoch()' },
      expires_at: { type: 'INTEGER', notnull: 0, dflt_value: null },
    });
  });

  it('has an index on user_id', async () => {
    const { results } = await env.DB.prepare("SELECT name FROM pragma_index_info('idx_user_sessions_uid')").all();
    expect(results).toEqual([{ name: 'user_id' }]);
  });

  it('gives a row of plain SQL a UUID v4 and a creation time', async () => {
    const ids = new Set<unknown>();
    for (let row = 0; row < 200; row += 1) {
      const { id, created_at, expires_at, user_id } = (await insert({ refresh_token: 'x' })) ?? {};
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(Math.abs((created_at as number) - Date.now() / 1000)).toBeLessThan(60);
      expect([expires_at, user_id]).toEqual([null, null]);
      ids.add(id);
    }
    expect(ids.size).toBe(200);
  });

  it('needs a refresh_token', async () => {
    await expect(insert({ user_agent: 'x' })).rejects.toThrow(
      'NOT NULL constraint failed: user_sessions.refresh_token',
    );
  });

  it('takes the sample row and gives it back unchanged, through SQL, Drizzle and the API', async () => {
    await insertUser(USER);
    expect(await insert(sample)).toMatchObject(sample);
    const [row] = await drizzle(env.DB)
      .select()
      .from(userSessions)
      .where(undefined)
      .limit(1000)
      .then((rows) => rows.filter(({ id }) => id === sample.id));
    expect(row).toMatchObject({
      userId: USER,
      userAgent: sample.user_agent,
      ipAddress: sample.ip_address,
      createdAt: new Date('2025-06-21T09:35:00Z'),
      expiresAt: new Date('2025-07-21T09:35:00Z'),
    });
    const service = await startService();
    const response = await service.backend('GET', `/v1/users/${USER}/sessions?include=ended`);
    const { sessions } = (await response.json()) as { sessions: object[] };
    const { refresh_token, ...shown } = sample;
    expect(sessions).toEqual([
      expect.objectContaining({ ...shown, created_at: '2025-06-21T09:35:00Z', expires_at: '2025-07-21T09:35:00Z' }),
    ]);
    expect(JSON.stringify(sessions)).not.toContain(refresh_token);
  });

  it('loses its rows with their user', async () => {
    const id = crypto.randomUUID();
    await insertUser(id);
    await insert({ refresh_token: 'x', user_id: id });
    await env.DB.prepare('DELETE FROM users WHERE id = ?').bind(id).run();
    expect(await env.DB.prepare('SELECT id FROM user_sessions WHERE user_id = ?').bind(id).first()).toBeNull();
  });

  it('refuses a user who does not exist', async () => {
    await expect(insert({ refresh_token: 'x', user_id: crypto.randomUUID() })).rejects.toThrow(
      'FOREIGN KEY constraint failed',
    );
  });
});

describe('users', () => {
  it('are unique by issuer and subject', async () => {
    const add = () => env.DB.prepare("INSERT INTO users (issuer, subject) VALUES ('https://idp.example', 'a')").run();
    await add();
    await expect(add()).rejects.toThrow('UNIQUE constraint failed');
  });
});

/**
 * docs/runbooks.md, "A deployment has to be taken back": a release runs on the tables of a later
 * one, whose migrations only added to them.
 */
import { env } from 'cloudflare:test';
import { beforeAll, expect, it } from 'vitest';
import { runScheduled } from '../../src/scheduled';
import {
  beginEmpty,
  create,
  expectNoForks,
  FROM,
  HOMES,
  homeOf,
  startThreeHomes,
} from '../homes/three-homes';

const ANNA = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c11';
const GRACE = 30;

interface Page {
  records: unknown[];
  next_cursor: string | null;
}

beginEmpty();

/** What a migration may do: columns with a default or NULL, tables, and indexes. */
beforeAll(async () => {
  for (const name of HOMES) {
    const { results } = await env[name]
      .prepare(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE '%WITHOUT ROWID%'",
      )
      .all<{ name: string }>();
    const tables = results.filter((table) => !/^(sqlite_|_cf_|d1_)/.test(table.name));
    expect(tables.length).toBeGreaterThan(10);
    for (const table of tables) {
      await env[name].exec(`ALTER TABLE ${table.name} ADD COLUMN later_text TEXT`);
      await env[name].exec(
        `ALTER TABLE ${table.name} ADD COLUMN later_count INTEGER NOT NULL DEFAULT 7`,
      );
    }
    await env[name].exec('CREATE TABLE later (id TEXT PRIMARY KEY NOT NULL, session_id TEXT)');
    await env[name].exec('CREATE INDEX idx_later ON user_sessions (later_count, created_at)');
  }
});

const rowIn = (home: (typeof HOMES)[number], id: string) =>
  env[home].prepare('SELECT * FROM user_sessions WHERE id = ?').bind(id).first();

it('starts, refreshes, moves, lists, ends, exports, erases and cleans up, and what the later one wrote in its columns stays', async () => {
  const homes = await startThreeHomes();
  const { service } = homes;
  const anna = await create(homes, { user_id: ANNA }, FROM.paris);
  expect(await rowIn('DB_WEUR', anna.session.id)).toMatchObject({
    later_text: null,
    later_count: 7,
  });
  await env.DB_WEUR.prepare(
    "UPDATE user_sessions SET later_text = 'theirs', later_count = 8",
  ).run();

  service.advance(GRACE);
  const { status, body } = await service.refresh(anna.refresh_token);
  expect(status).toBe(200);
  expect(await rowIn('DB_WEUR', anna.session.id)).toMatchObject({
    later_text: 'theirs',
    later_count: 8,
  });

  expect((await homes.post(`/v1/users/${ANNA}/move`, { home: 'DB_APAC' })).status).toBe(200);
  service.advance(GRACE);
  const moved = await service.refresh(body.refresh_token);
  expect([moved.status, homeOf(moved.body.refresh_token)]).toEqual([200, 'DB_APAC']);
  await expectNoForks();

  const get = async (path: string) => (await service.backend('GET', path)).json<Page>();
  expect(await get(`/v1/users/${ANNA}/sessions`)).toMatchObject({ sessions: [{ user_id: ANNA }] });
  const exported: unknown[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: Page = await get(`/v1/users/${ANNA}/export${cursor && `?cursor=${cursor}`}`);
    exported.push(...page.records);
    cursor = page.next_cursor;
  }
  expect(JSON.stringify(exported)).toContain(anna.session.id);
  await runScheduled(service.env, service.clock.now);
  expect((await service.backend('DELETE', `/v1/users/${ANNA}/sessions`)).status).toBe(200);
  expect((await service.refresh(moved.body.refresh_token)).status).toBe(400);
  expect((await service.backend('DELETE', `/v1/users/${ANNA}`)).status).toBe(204);
  for (const home of HOMES) expect(await rowIn(home, anna.session.id)).toBeNull();
});

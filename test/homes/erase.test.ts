/**
 * Erasing and exporting a person: nothing that says anything of them is left in any table of any
 * home, and everything that is there before is given out.
 */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it } from 'vitest';
import { runScheduled } from '../../src/scheduled';
import { BACKEND, basic } from '../fixtures';
import { USER } from '../people';
import { endpoint, openReceiver } from '../webhooks/receiver';
import {
  AWAY,
  beginEmpty,
  create,
  FROM,
  HOMES,
  startThreeHomes,
  type ThreeHomes,
} from './three-homes';

const BYSTANDER = '4d7e5f7a-2b1c-4a59-9f7e-1c2f3a4b5c6d';
/** What would be recognised wherever it stood: in a column of its own, or inside JSON. */
const TRACES = {
  address: '203.0.113.77',
  guestAddress: '198.51.100.78',
  network: '203.0.113.0/24',
  guestNetwork: '198.51.100.0/24',
  city: 'Ville-de-la-Trace',
  claim: 'claim-of-the-trace',
  acr: 'urn:trace:acr',
  amr: 'trace-amr',
};
const OF_USER = {
  user_agent: 'TraceBrowser/7.0',
  ip_address: TRACES.address,
  claims: { trace: TRACES.claim },
  acr: TRACES.acr,
  amr: [TRACES.amr],
};
const EVENTS = ['session_created', 'context_changed', 'mismatch', 'new_device', 'session_revoked'];

beginEmpty();
beforeEach(async () => {
  for (const name of HOMES)
    await env[name].exec('DELETE FROM webhook_deliveries; DELETE FROM webhook_pauses');
});

/** Every row of every table of every home. */
async function dump(): Promise<string> {
  const all: unknown[] = [];
  for (const name of HOMES) {
    const tables = await env[name]
      .prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
      )
      .all<{ name: string }>();
    for (const table of tables.results)
      all.push([
        name,
        table.name,
        (await env[name].prepare(`SELECT * FROM "${table.name}"`).all()).results,
      ]);
  }
  return JSON.stringify(all);
}

const tracesIn = (text: string, values: readonly string[]) =>
  values.filter((value) => text.includes(value));

interface Held {
  home: string;
  table: string;
  row: Record<string, unknown>;
}

async function exportAll(homes: ThreeHomes, id: string, limit = 3): Promise<Held[]> {
  const records: Held[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const response = await homes.service.backend(
      'GET',
      `/v1/users/${id}/export?limit=${limit}${cursor && `&cursor=${cursor}`}`,
    );
    expect(response.status).toBe(200);
    const page = (await response.json()) as { records: Held[]; next_cursor: string | null };
    records.push(...page.records);
    cursor = page.next_cursor;
  }
  return records;
}

/** Nobody answers, so what was to be told stays to be told. */
const runCron = ({ service }: ThreeHomes) =>
  runScheduled(service.env, service.clock.now, undefined, openDeaf().send);

/** A guest in Tokyo who moved, became a user elsewhere, and moved again, seen at every step. */
async function live(homes: ThreeHomes) {
  const guest = await create(homes, { ...OF_USER, ip_address: TRACES.guestAddress }, FROM.tokyo);
  homes.service.advance(30);
  const at = { address: TRACES.guestAddress, cf: { ...FROM.tokyo, city: TRACES.city } };
  const refreshed = await homes.service.refresh(guest.refresh_token, 'app', at);
  expect(refreshed.status).toBe(200);
  const first = await create(homes, { user_id: USER, ...OF_USER }, FROM.paris);
  const { authorization } = homes.service.credentials;
  const upgrade = await homes.service.request('/v1/sessions', {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json', 'idempotency-key': 'trace-key' },
    body: JSON.stringify({
      client_id: 'app',
      user_id: USER,
      guest_session_id: guest.session.id,
      ...OF_USER,
    }),
  });
  expect(upgrade.status).toBe(201);
  const upgraded = (await upgrade.json()) as typeof first;
  expect((await homes.post(`/v1/users/${USER}/move`, { home: 'DB' })).status).toBe(200);
  homes.service.advance(30);
  const elsewhere = { address: '192.0.2.200', userAgent: 'TraceBrowser/7.0' };
  await homes.service.refresh(first.refresh_token, 'app', elsewhere);
  return {
    guest,
    first,
    upgraded,
    ids: [USER, guest, first, upgraded].map((of) => (typeof of === 'string' ? of : of.session.id)),
  };
}

function openDeaf() {
  const receiver = openReceiver();
  receiver.answer = () => new Response(null, { status: 500 });
  return receiver;
}

function startTold() {
  const receiver = openDeaf();
  const variables = { WEBHOOKS: JSON.stringify([endpoint('team', { events: EVENTS })]) };
  return startThreeHomes(variables, undefined, receiver.send);
}

describe('a person', () => {
  it('who was a guest, moved and was told of is exported and then gone from all tables of all homes', async () => {
    const homes = await startTold();
    const bystander = await create(homes, { user_id: BYSTANDER }, FROM.paris);
    const { ids } = await live(homes);
    const traces = [...Object.values(TRACES), 'TraceBrowser', ...ids];
    const before = await dump();
    expect(tracesIn(before, traces)).toEqual(traces);

    const log = await homes.service.backend('GET', `/v1/users/${USER}/events?limit=100`);
    expect(tracesIn(await log.text(), [ids[1] as string, TRACES.guestAddress])).toHaveLength(2);
    // Rows that show the way to another home need not say where their person was.
    for (const name of HOMES) {
      const { results } = await env[name]
        .prepare('SELECT * FROM user_sessions WHERE home IS NOT NULL')
        .all();
      expect(tracesIn(JSON.stringify(results), Object.values(TRACES))).toEqual([]);
    }
    const records = await exportAll(homes, USER);
    const text = JSON.stringify(records);
    expect(tracesIn(text, traces)).toEqual(traces);
    expect(text).not.toContain(bystander.session.id);
    // What verifies tokens is nobody's to have.
    for (const name of HOMES) {
      const { results } = await env[name]
        .prepare('SELECT refresh_token FROM user_sessions')
        .all<{ refresh_token: string }>();
      expect(
        tracesIn(
          text,
          results.map((row) => row.refresh_token),
        ),
      ).toEqual([]);
    }
    const tables = new Set(records.map(({ table }) => table));
    expect([...tables].sort()).toEqual([
      'session_events',
      'user_sessions',
      'users',
      'webhook_deliveries',
    ]);
    // Every page size gives the same.
    expect(await exportAll(homes, USER, 100)).toHaveLength(records.length);
    const count = before.split('"event_id"').length - 1;
    const told = records.filter(({ table }) => table === 'webhook_deliveries');
    expect(told.length).toBe(count - 1);

    expect((await homes.service.backend('DELETE', `/v1/users/${USER}`)).status).toBe(204);
    const after = await dump();
    // The id itself stays as a not-before, until the last access token has expired.
    expect(tracesIn(after.replaceAll(/"outdated_tokens",\[[^\]]*\]/g, ''), traces)).toEqual([]);
    for (const name of HOMES) {
      const { results } = await env[name].prepare('SELECT key_hash FROM idempotency_keys').all();
      expect(results).toEqual([]);
    }
    expect(after).toContain(bystander.session.id);
    expect(
      (await exportAll(homes, USER)).filter(({ table }) => table !== 'outdated_tokens'),
    ).toEqual([]);
    homes.service.advance(3_600);
    await runCron(homes);
    expect(tracesIn(await dump(), traces)).toEqual([]);
  });

  it('whose move was cut off is gone from both homes, and does not come back', async () => {
    const homes = await startTold();
    await create(homes, { user_id: USER, ...OF_USER }, FROM.paris);
    homes.databases.DB_WEUR.faults = [null, null, { before: AWAY.before }];
    expect((await homes.post(`/v1/users/${USER}/move`, { home: 'DB_APAC' })).status).toBe(503);
    homes.databases.DB_WEUR.faults = [];
    expect(tracesIn(await dump(), [TRACES.address, 'unfinished_moves'])).toHaveLength(2);
    expect((await homes.service.backend('DELETE', `/v1/users/${USER}`)).status).toBe(204);
    for (const name of HOMES)
      expect((await env[name].prepare('SELECT * FROM unfinished_moves').all()).results).toEqual([]);
    await runCron(homes);
    homes.service.advance(3_600);
    await runCron(homes);
    expect(tracesIn(await dump(), [USER, ...Object.values(TRACES)])).toEqual([]);
  });

  it('is not half erased in silence: a home that does not answer is 503, and a repeat erases the rest', async () => {
    const homes = await startTold();
    const { ids } = await live(homes);
    homes.databases.DB_APAC.faults = Array.from({ length: 10 }, () => AWAY);
    expect((await homes.service.backend('DELETE', `/v1/users/${USER}`)).status).toBe(503);
    expect((await homes.service.backend('GET', `/v1/users/${USER}/export`)).status).toBe(503);
    homes.databases.DB_APAC.faults = [];
    homes.service.advance(60);
    expect((await homes.service.backend('DELETE', `/v1/users/${USER}`)).status).toBe(204);
    homes.service.advance(3_600);
    await runCron(homes);
    expect(tracesIn(await dump(), [...ids, ...Object.values(TRACES)])).toEqual([]);
  });
});

describe('a guest, by the session’s id', () => {
  it('is listed, exported, ended and erased by a backend, in whichever home', async () => {
    const homes = await startTold();
    const guest = await create(homes, { ...OF_USER }, FROM.tokyo);
    const id = guest.session.id;
    const listed = await homes.service.backend('GET', `/v1/users/${id}/sessions`);
    expect(((await listed.json()) as { sessions: { id: string }[] }).sessions).toMatchObject([
      { id },
    ]);
    expect(tracesIn(JSON.stringify(await exportAll(homes, id)), [id, TRACES.address])).toHaveLength(
      2,
    );

    const ended = await homes.service.backend('DELETE', `/v1/users/${id}/sessions`);
    expect(await ended.json()).toEqual({ revoked: 1 });
    const { status, body } = await homes.service.refresh(guest.refresh_token);
    expect({ status, reason: body.reason }).toEqual({ status: 400, reason: 'revoked' });

    expect((await homes.service.backend('DELETE', `/v1/users/${id}`)).status).toBe(204);
    homes.service.advance(3_600);
    await runCron(homes);
    expect(tracesIn(await dump(), [id, ...Object.values(TRACES)])).toEqual([]);
  });

  it('who became a user is not ended or erased by the former id alone', async () => {
    const homes = await startTold();
    const { guest, upgraded } = await live(homes);
    expect((await homes.service.backend('DELETE', `/v1/users/${guest.session.id}`)).status).toBe(
      204,
    );
    expect((await homes.service.refresh(upgraded.refresh_token)).status).toBe(200);
  });
});

it('an export reads a page, whatever there is, and takes no cursor but its own', async () => {
  const homes = await startTold();
  for (let number = 0; number < 60; number += 1) await create(homes, { user_id: USER }, FROM.paris);
  const { databases, service } = homes;
  const readBefore = HOMES.reduce((sum, name) => sum + databases[name].rowsRead, 0);
  const path = `/v1/users/${USER}/export?limit=5&cursor=DB_WEUR.events.0`;
  const response = await service.backend('GET', path);
  expect(response.status).toBe(200);
  const read = HOMES.reduce((sum, name) => sum + databases[name].rowsRead, 0) - readBefore;
  expect(read).toBeLessThan(200);
  for (const cursor of ['x', 'DB_MARS.events.0', 'DB.keys.0', 'DB.events.-1'])
    expect((await service.backend('GET', `/v1/users/${USER}/export?cursor=${cursor}`)).status).toBe(
      400,
    );
  expect((await service.request(`/v1/users/${USER}/export`)).status).toBe(401);
  expect(
    (
      await service.request(`/v1/users/${USER}/export`, {
        headers: { authorization: basic({ ...BACKEND, secret: 'wrong' }) },
      })
    ).status,
  ).toBe(401);
});

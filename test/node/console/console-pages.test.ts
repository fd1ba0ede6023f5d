/** What the console shows of the service, and what operators find and do with it. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AUDIENCE,
  actsOn,
  ISSUER,
  newUser,
  OPERATOR,
  type OperatorBrowser,
  openBrowser,
  startTwoWorkers,
  type TwoWorkers,
  titleIn,
} from './two-workers.ts';

const variables = { ISSUER, AUDIENCE, OPERATORS: OPERATOR };
const ADA = { issuer: 'https://id.example.com', subject: 'ada' };

let workers: TwoWorkers;
let operator: OperatorBrowser;
beforeAll(async () => {
  workers = await startTwoWorkers({ variables });
  operator = openBrowser(workers, { cookie: await workers.signIn(OPERATOR) });
});
afterAll(() => workers?.stop());

const start = async (input: object) =>
  (
    (await workers.asBackend('POST', '/v1/sessions', input)) as {
      session: { id: string; user_id: string };
    }
  ).session;

const runCron = async () => {
  const { scheduled } = await workers.miniflare.getWorker('edge-sessions');
  await scheduled({ cron: '*/15 * * * *' });
};

/** The cells of each row of a table, without their tags. */
function rowsOf(text: string, name: string): string[][] {
  const [, table = ''] =
    new RegExp(`aria-label="${name}"[^>]*>(.*?)</table>`, 's').exec(text) ?? [];
  const [, body = ''] = /<tbody>(.*?)<\/tbody>/s.exec(table) ?? [];
  return [...body.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, row = '']) =>
    [...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs)].map(([, cell = '']) =>
      cell.replaceAll(/<[^>]+>/g, ' ').trim(),
    ),
  );
}

describe('finding', () => {
  it('a user by their id, with their sessions and what happened', async () => {
    const { id, user_id: userId } = await start({ user_id: newUser(), label: 'Work laptop' });
    const found = await operator.get(`/console/find?id=+${userId.toUpperCase()}`);
    expect(found.headers.get('location')).toBe(`/console/people/${userId}`);
    const { text } = await operator.get(`/console/people/${userId}`);
    expect(rowsOf(text, 'Sessions')).toEqual([
      ['Work laptop', 'Live', 'backend', '–', 'now', 'now'],
    ]);
    expect(rowsOf(text, 'Security log')).toEqual([
      ['now', expect.stringContaining('Session created'), '–', id.slice(0, 8), 'client: backend'],
    ]);
  });

  it('a user by issuer and subject', async () => {
    const { user_id: userId } = await start({ user: ADA });
    const found = await operator.get(`/console/find?${new URLSearchParams(ADA)}`);
    expect([found.status, found.headers.get('location')]).toEqual([
      303,
      `/console/people/${userId}`,
    ]);
  });

  it('a session by its id, a guest’s too', async () => {
    const { id } = await start({});
    const found = await operator.get(`/console/find?id=${id}`);
    expect(found.headers.get('location')).toBe(`/console/sessions/${id}`);
    const { text } = await operator.get(`/console/sessions/${id}`);
    expect(text).toContain('A guest');
    expect(rowsOf(text, 'Security log')).toHaveLength(1);
  });

  it.each([
    ['nobody', `id=${randomUUID()}`, 'No user and no session has this id'],
    ['what is no id', 'id=%3Cscript%3E', 'No user and no session has this id'],
    ['an unknown name', 'issuer=https://id.example.com&subject=eve', 'Nobody is known'],
  ])('%s: the page says so, and keeps what was asked for', async (_, query, said) => {
    const { status, text } = await operator.get(`/console/find?${query}`);
    expect(status).toBe(404);
    expect(text).toContain(said);
    expect(text).not.toContain('<script>');
  });

  it.each([
    '/console/people/00000000-0000-4000-8000-000000000000',
    '/console/sessions/00000000-0000-4000-8000-000000000000',
    '/console/sessions/00000000-0000-4000-8000-000000000000/end',
    '/console/people/me',
  ])('%s is not found', async (path) => {
    expect((await operator.get(path)).status).toBe(404);
  });

  it('what people wrote is shown as text', async () => {
    const label = '<img src=x onerror=alert(1)>';
    const { id } = await start({ user_id: newUser(), label });
    const { text } = await operator.get(`/console/sessions/${id}`);
    expect(text).toContain('&lt;img src=x');
    expect(text).not.toContain('<img');
  });
});

describe('the service', () => {
  it('the numbers that the cron counted are plotted, and in tables', async () => {
    await start({ user_id: newUser() });
    await runCron();
    const { text } = await operator.get('/console');
    expect(text.match(/<svg viewBox="0 0 1000 200"/g)).toHaveLength(4);
    expect(text).toMatch(/<path class="stroke" d="M[\d.]+,[\d.]+/);
    const hours = rowsOf(text, 'Sessions by the hour');
    expect(hours).toHaveLength(24);
    // The newest first: the hour in which this test runs, which may have ended since the count.
    const newest = hours.slice(0, 2).map(([, value]) => Number(value) || 0);
    expect(Math.max(...newest)).toBeGreaterThan(0);
    expect(text).not.toContain('Counting');
  });

  it('refreshes and refusals are plotted as the isolates counted them', async () => {
    const database = await workers.miniflare.getD1Database('DB', 'edge-sessions');
    const hour = Math.floor(Date.now() / 3_600_000) * 3600;
    const insert = database.prepare(
      'INSERT INTO counts (hour, name, label, value) VALUES (?, ?, ?, ?)',
    );
    await database.batch([
      insert.bind(hour, 'refreshes', 'rotated', 5),
      insert.bind(hour, 'refreshes', 'kept', 2),
      insert.bind(hour, 'refusals', 'invalid_grant', 3),
    ]);
    const { text } = await operator.get('/console');
    const valuesOf = (name: string) => rowsOf(text, name).map(([, value]) => value);
    expect(valuesOf('Refreshes by the hour, estimated')).toContain('7');
    expect(valuesOf('Refusals by the hour, estimated')).toContain('3');
  });

  it('of a longer span there are more hours, and of one that is not offered the usual', async () => {
    for (const [query, hours] of [
      ['?hours=168', 168],
      ['?hours=720', 720],
      ['?hours=9999', 24],
    ] as const) {
      const { text } = await operator.get(`/console${query}`);
      expect([query, rowsOf(text, 'Active sessions').length]).toEqual([query, hours]);
    }
  });

  it('what looks like theft is shown, with a way to the session', async () => {
    const { id, user_id: userId } = await start({ user_id: newUser() });
    const database = await workers.miniflare.getD1Database('DB', 'edge-sessions');
    await database
      .prepare(
        "INSERT INTO session_events (type, subject, session_id) VALUES ('reuse_detected', ?, ?)",
      )
      .bind(userId, id)
      .run();
    const { text } = await operator.get('/console');
    const [newest] = rowsOf(text, 'Newest that looks suspicious');
    expect(newest?.[1]).toContain('Reuse detected');
    expect(newest?.[3]).toBe(id.slice(0, 8));
  });

  it('homes, with the runs of the clean-up', async () => {
    await runCron();
    const { text } = await operator.get('/console/homes');
    expect(rowsOf(text, 'Homes').map(([home, state]) => [home, state])).toEqual([
      ['DB', 'Answers'],
    ]);
    expect(rowsOf(text, 'Clean-up of DB')[0]?.[1]).toBe('Finished');
  });

  it('the signing keys, of which one signs', async () => {
    const { text } = await operator.get('/console/keys');
    expect(rowsOf(text, 'Signing keys').filter(([, state]) => state === 'Signs')).toHaveLength(1);
  });
});

describe('webhooks', () => {
  const giveUp = async (endpoint: string) => {
    const database = await workers.miniflare.getD1Database('DB', 'edge-sessions');
    const { id: session } = await start({ user_id: newUser() });
    const event = await database
      .prepare('SELECT id FROM session_events WHERE session_id = ?')
      .bind(session)
      .first<string>('id');
    await database
      .prepare(
        "INSERT INTO webhook_deliveries (event_id, endpoint, state, attempts, next_attempt_at, last_error) VALUES (?, ?, 'dead', 12, 0, 'status_500')",
      )
      .bind(event, endpoint)
      .run();
    return event as string;
  };
  const shown = async () => rowsOf((await operator.get('/console/webhooks')).text, 'Deliveries');

  it('what was given up is shown, and told again: one, then all, and who did it is recorded', async () => {
    const [first] = [await giveUp('crm'), await giveUp('crm'), await giveUp('mail')];
    expect(await shown()).toHaveLength(3);
    const one = await operator.submit(`/console/webhooks/replay?event_id=${first}`, {
      note: 'the receiver was down',
    });
    expect(one.headers.get('location')).toBe('/console/webhooks?replayed=1');
    expect(await shown()).toHaveLength(2);
    const all = await operator.submit('/console/webhooks/replay?all=1');
    expect(all.headers.get('location')).toBe('/console/webhooks?replayed=2');
    expect(await shown()).toEqual([]);
    expect(await actsOn(workers, first)).toMatchObject([
      {
        type: 'deliveries_replayed',
        details: { operator: OPERATOR, why: 'the receiver was down' },
      },
    ]);
  });

  it('a form of another site replays nothing', async () => {
    await giveUp('crm');
    const refused = await operator.submit(
      '/console/webhooks/replay',
      {},
      { origin: 'https://evil.example' },
    );
    expect(refused.status).toBe(403);
    expect(await shown()).toHaveLength(1);
  });
});

it('a console that CLIENTS does not let do something says so', async () => {
  const less = await startTwoWorkers({
    variables,
    consoleClient: { allow: ['manage_all', 'browser_tokens'] },
  });
  try {
    const browser = openBrowser(less, { cookie: await less.signIn(OPERATOR) });
    const { status, text } = await browser.get('/console/keys');
    expect([status, titleIn(text)]).toEqual([502, 'The console may not do this']);
    expect(text).toContain('client_not_allowed');
    // What it may is still a click away.
    expect(text).toContain('href="/console/homes"');
  } finally {
    await less.stop();
  }
});

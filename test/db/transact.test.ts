/** One transaction, and its answers by the names of its statements. */
import { env } from 'cloudflare:test';
import { DrizzleQueryError, eq, sql } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { openHome, transact } from '../../src/db/d1';
import { newAccess } from '../../src/db/d1-access';
import { users } from '../../src/db/schema';
import { watch } from '../fixtures';

function open() {
  const database = watch(env.DB);
  return { database, home: openHome({ name: 'DB', ...database, timeoutMs: 1000 }, newAccess()) };
}

const number = (home: ReturnType<typeof open>['home'], value: number) =>
  home.db.select({ value: sql<number>`${value}` }).from(sql`(select 1)`);

describe('a named transaction', () => {
  it('answers each statement under its own name, in one round trip', async () => {
    const { home, database } = open();
    const answers = await transact(home, () => ({ one: number(home, 1), two: number(home, 2) }));
    expect(answers).toEqual({ one: [{ value: 1 }], two: [{ value: 2 }] });
    expect(database.roundTrips).toBe(1);
  });

  it('runs a list in its place, and leaves out what is null', async () => {
    const { home } = open();
    const answers = await transact(home, () => ({
      first: number(home, 1),
      absent: null,
      several: [number(home, 2), number(home, 3)],
      none: [],
      last: number(home, 4),
    }));
    expect(answers).toEqual({
      first: [{ value: 1 }],
      absent: null,
      several: [[{ value: 2 }], [{ value: 3 }]],
      none: [],
      last: [{ value: 4 }],
    });
  });

  it('keeps the order of the statements: a later one sees what an earlier one wrote', async () => {
    const { home } = open();
    const id = crypto.randomUUID();
    const { found } = await transact(home, () => ({
      written: home.db.insert(users).values({ id, createdAt: new Date(0) }),
      found: home.db.select({ id: users.id }).from(users).where(eq(users.id, id)),
    }));
    expect(found).toEqual([{ id }]);
  });

  it('that fails for no stated cause tells nothing of the query or what was bound', async () => {
    const { home } = open();
    const failed = transact(home, () => {
      throw new DrizzleQueryError('insert into users values (?)', ['bound-secret']);
    });
    await expect(failed).rejects.toMatchObject({ detail: 'query failed' });
  });

  it('is run again after a lost connection, and tells so', async () => {
    const { home, database } = open();
    database.faults = [{ before: 'D1_ERROR: Network connection lost.' }];
    const reruns: boolean[] = [];
    const { one } = await transact(home, (isRerun) => {
      reruns.push(isRerun);
      return { one: number(home, 1) };
    });
    expect(one).toEqual([{ value: 1 }]);
    expect(reruns).toEqual([false, true]);
  });
});

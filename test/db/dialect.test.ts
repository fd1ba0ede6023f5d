/** The builders of src/db/ against Drizzle's own, with its own dialect: the same SQL, to the byte. */
import { env } from 'cloudflare:test';
import { and, asc, desc, eq, inArray, is, isNull, type SQL, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { getTableConfig, SQLiteTable } from 'drizzle-orm/sqlite-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Builders, builders } from '../../src/db/builders';
import { given } from '../../src/db/prepared';
import * as schema from '../../src/db/schema';
import { counts, sessionEvents, userSessions, users, webhookDeliveries } from '../../src/db/schema';
import { prepare, type Statement } from '../../src/db/statements';

const drizzles = drizzle(env.DB);

type Build = (db: Builders) => Statement;

/** What is sent to D1, written here and by Drizzle. */
function written(build: Build) {
  const { sql, params } = prepare(build(builders));
  const theirs = build(drizzles as unknown as Builders) as unknown as {
    toSQL(): { sql: string; params: unknown[] };
  };
  return { ours: { sql, params }, theirs: theirs.toSQL() };
}

function expectSame(build: Build) {
  const { ours, theirs } = written(build);
  expect(ours).toEqual(theirs);
  return ours.sql;
}

const { id, userId, clientId, createdAt } = userSessions;
const secret = 'a "quoted" \' text';

describe('SELECT', () => {
  const fields = {
    id,
    raw: sql<number>`count(${clientId})`,
    named: sql<string>`coalesce(${userId}, ${secret})`.as('a "name"'),
  };
  const where = and(eq(clientId, secret), inArray(id, ['1', '2']), isNull(userSessions.revokedAt));
  const part = fc.boolean();
  const parts = fc.record({
    fields: part,
    inner: part,
    left: part,
    where: part,
    groupBy: part,
    having: part,
    orderBy: part,
    limit: fc.constantFrom(null, 0, 7, given('limit')),
    offset: fc.constantFrom(null, 0, 7),
  });

  it('is what Drizzle writes, whatever parts it has', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(parts, (has) => {
        const text = expectSame((db) => {
          // biome-ignore lint/suspicious/noExplicitAny: the types allow each part once, in one order.
          let query: any = has.fields ? db.select(fields) : db.select();
          query = query.from(userSessions);
          if (has.inner) query = query.innerJoin(users, eq(users.id, userId));
          if (has.left) query = query.leftJoin(sessionEvents, eq(sessionEvents.sessionId, id));
          if (has.where) query = query.where(where);
          if (has.groupBy) query = query.groupBy(userId, sql`named`);
          if (has.having) query = query.having(sql`count(*) > ${1}`);
          if (has.orderBy) query = query.orderBy(desc(createdAt), asc(id), sql`random()`);
          if (has.limit !== null) query = query.limit(has.limit);
          if (has.offset !== null) query = query.offset(has.offset);
          return query;
        });
        seen.add(text);
      }),
      { numRuns: 500 },
    );
    expect(seen.size).toBeGreaterThan(100);
  });

  it.each<[string, Build]>([
    ['SQL', (db) => db.select({ value: sql`${secret}` }).from(sql`(select 1)`)],
    [
      'a subquery, with its columns and what it names itself',
      (db) => {
        const newest = db
          .select({ id, at: createdAt, length: sql<number>`length(${id})`.as('length') })
          .from(userSessions)
          .where(eq(clientId, secret))
          .orderBy(desc(createdAt))
          .limit(3)
          .as('newest');
        return db.select().from(newest).where(eq(newest.id, '1')).orderBy(desc(newest.length));
      },
    ],
    [
      'a subquery that is joined',
      (db) => {
        const log = db
          .select({ sessionId: sessionEvents.sessionId, most: sql`max(seq)`.as('most') })
          .from(sessionEvents)
          .groupBy(sessionEvents.sessionId)
          .as('log');
        return db
          .select({ id, most: log.most })
          .from(userSessions)
          .leftJoin(log, eq(log.sessionId, id));
      },
    ],
    [
      'a table, in a condition that is a query itself',
      (db) =>
        db
          .select()
          .from(users)
          .where(inArray(users.id, db.select({ userId }).from(userSessions))),
    ],
  ])('from %s is what Drizzle writes', (_, build) => {
    expectSame(build);
  });

  it('of a column of a table that is not read is refused, by Drizzle as well', () => {
    for (const db of [builders, drizzles as unknown as Builders]) {
      const strange: Build = ({ select }) => select({ id: users.id }).from(userSessions);
      expect(() => prepare(strange({ ...builders, select: db.select.bind(db) }))).toThrow(
        /of no table that is read|not part of the query/,
      );
    }
  });

  it.each<[string, (select: ReturnType<typeof from>) => unknown]>([
    ['UNION', (select) => select.union(from())],
    ['INTERSECT', (select) => select.intersect(from())],
  ])('with %s, which no statement has, is refused', (_, build) => {
    expect(() => prepare(build(from()) as Statement)).toThrow('no statement has');
  });
  const from = () => builders.select({ id }).from(userSessions);
});

describe('INSERT', () => {
  it.each<[string, Build]>([
    ['values', (db) => db.insert(users).values({ id: secret, createdAt: new Date(0) })],
    [
      'defaults of the table',
      (db) => db.insert(schema.cleanupState).values({ ranAt: new Date(1) }),
    ],
    ['null, where a default is', (db) => db.insert(users).values({ id: null as never })],
    ['undefined', (db) => db.insert(users).values({ id: '1', issuer: undefined })],
    ['SQL', (db) => db.insert(users).values({ id: sql`lower(${secret})`, subject: null })],
    [
      'a placeholder',
      (db) => db.insert(users).values({ id: given('id'), issuer: given('issuer') }),
    ],
    [
      'a query, and what is in conflict left alone',
      (db) => db.insert(users).select(sql`select ${secret}, null`).onConflictDoNothing(),
    ],
    [
      'what is in conflict changed',
      (db) =>
        db
          .insert(users)
          .values({ id: secret })
          .onConflictDoUpdate({
            target: users.id,
            set: { subject: secret, issuer: sql`excluded.issuer`, createdAt: new Date(5) },
          }),
    ],
    [
      'conflicts of several columns, a condition, and others left alone',
      (db) =>
        db
          .insert(counts)
          .values({ hour: 1, name: secret, label: '', value: 3 })
          .onConflictDoUpdate({
            target: [counts.hour, counts.name, counts.label],
            set: { value: sql`${counts.value} + excluded.value` },
            setWhere: eq(counts.name, secret),
          })
          .onConflictDoNothing()
          .returning(),
    ],
    [
      'some columns returned',
      (db) =>
        db.insert(users).values({ id: '1' }).returning({ is: users.id, at: sql`unixepoch()` }),
    ],
  ])('of %s is what Drizzle writes', (_, build) => {
    expectSame(build);
  });

  it('of a row into any table is what Drizzle writes: no column has a value but from db/tables', () => {
    const tables = Object.values(schema).filter((value) => is(value, SQLiteTable));
    expect(tables.length).toBeGreaterThan(8);
    for (const table of tables) {
      expectSame((db) => db.insert(table).values({} as never));
      for (const column of getTableConfig(table).columns)
        expect(column).toMatchObject({ generated: undefined, generatedIdentity: undefined });
    }
  });
});

describe('UPDATE', () => {
  it.each<[string, Build]>([
    ['values', (db) => db.update(userSessions).set({ clientId: secret, createdAt: new Date(7) })],
    ['null and SQL', (db) => db.update(users).set({ issuer: null, subject: sql`${users.id}` })],
    ['a column of another table', (db) => db.update(users).set({ issuer: users.subject })],
    ['undefined', (db) => db.update(users).set({ issuer: undefined, subject: secret })],
    ['a placeholder', (db) => db.update(users).set({ issuer: sql`${given('issuer')}` })],
    [
      'some rows, returned',
      (db) =>
        db
          .update(userSessions)
          .set({ revokedReason: secret })
          .where(and(eq(id, secret), isNull(userSessions.revokedAt)))
          .returning({ id, when: sql`coalesce(${createdAt}, ${1})`.as('when') }),
    ],
    ['all, where no condition is left', (db) => db.update(users).set({ issuer: '' }).where(none)],
  ])('with %s is what Drizzle writes', (_, build) => {
    expectSame(build);
  });
});

describe('DELETE', () => {
  it.each<[string, Build]>([
    ['all rows', (db) => db.delete(counts)],
    ['all, where no condition is left', (db) => db.delete(counts).where(none)],
    ['some rows', (db) => db.delete(webhookDeliveries).where(eq(webhookDeliveries.state, secret))],
    [
      'some rows, returned',
      (db) =>
        db
          .delete(users)
          .where(inArray(users.id, ['1', secret]))
          .returning(),
    ],
    ['some columns of them', (db) => db.delete(users).where(none).returning({ id: users.id })],
  ])('of %s is what Drizzle writes', (_, build) => {
    expectSame(build);
  });
});

const none: SQL | undefined = undefined;

/** Statements whose SQL is written once. */
import { eq } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { given, prepareOnce } from '../../src/db/prepared';
import { users } from '../../src/db/schema';

it('the SQL is written at the first run, not as the Worker starts, and only then', () => {
  let builds = 0;
  const statement = prepareOnce((db) => {
    builds += 1;
    return db
      .select({ id: users.id })
      .from(users)
      .where(eq(users.id, given('id')));
  });
  expect(builds).toBe(0);
  statement({ id: '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c11' });
  statement({ id: '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c12' });
  expect(builds).toBe(1);
});

it('a placeholder without a value is refused', () => {
  const statement = prepareOnce((db) => db.delete(users).where(eq(users.id, given('id'))));
  expect(() => statement({})).toThrow('id');
});

/** The rule of src/sessions/granted.ts: the pure function and its SQL twin give the same answer. */
import { env } from 'cloudflare:test';
import { and, eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Home } from '../../src/db/d1';
import { openHome, transact } from '../../src/db/d1';
import { newAccess } from '../../src/db/d1-access';
import { prepareOnce } from '../../src/db/prepared';
import { userSessions } from '../../src/db/schema';
import { IS_GRANTED, toRequestedValues, whyNotGranted } from '../../src/sessions/granted';

const names = fc.subarray(['read', 'write', 'urn:a', 'https://a.example/x']);
/** As rows have it, and as nobody writes it but by hand. */
const column = fc.oneof(
  { weight: 6, arbitrary: names.map((list) => JSON.stringify(list)) },
  { weight: 2, arbitrary: fc.constant(null) },
  fc.constantFrom('', 'read', '{"a":"read"}', '"read"', '["read"', 'null', '[null]'),
);
const ask = fc.record({ audiences: fc.option(names), scopes: fc.option(names) });

it('IS_GRANTED is whyNotGranted, also of a column that holds nonsense', async () => {
  const home: Home = openHome({ name: 'DB', binding: env.DB, timeoutMs: 5_000 }, newAccess());
  const db = drizzle(env.DB);
  const id = crypto.randomUUID();
  await db.insert(userSessions).values({ id, refreshToken: 'x' });
  const granted = prepareOnce((prepared) =>
    prepared
      .select({ id: userSessions.id })
      .from(userSessions)
      .where(and(eq(userSessions.id, id), IS_GRANTED)),
  );
  const seen = { granted: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(column, column, ask, async (audiences, scopes, asked) => {
      await db.update(userSessions).set({ audiences, scopes }).where(eq(userSessions.id, id));
      const { rows } = await transact(home, () => ({
        rows: granted(toRequestedValues(asked)),
      }));
      const isGranted = whyNotGranted({ audiences, scopes }, asked) === null;
      expect(rows.length === 1).toBe(isGranted);
      seen[isGranted ? 'granted' : 'refused'] += 1;
    }),
    { numRuns: 400 },
  );
  for (const times of Object.values(seen)) expect(times).toBeGreaterThan(25);
});

/**
 * The rows of the signing keys. Their meaning is in tokens/signing-keys.ts, their changes in
 * tokens/rotate-signing-keys.ts.
 */
import {
  and,
  asc,
  eq,
  exists,
  inArray,
  isNull,
  ne,
  notInArray,
  or,
  type SQL,
  sql,
} from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import { type Home, transact } from './d1';
import { cleanupState, signingKeys } from './schema';

export type KeyRow = typeof signingKeys.$inferSelect;

/**
 * All keys, in the order in which they become active: a key that was made in an emergency signs at
 * once, before an older one that waits.
 */
const selectKeys = ({ db }: Home) =>
  db.select().from(signingKeys).orderBy(asc(signingKeys.activatesAt), asc(signingKeys.generation));

/**
 * The keys of a home, and when the cron last cleaned up there (null: never). Every isolate that
 * works reads its keys each minute, so it learns of the cron by no round trip of its own.
 */
export async function readKeyRows(
  home: Home,
): Promise<{ rows: KeyRow[]; cleanedUpAt: Date | null }> {
  const { rows, states } = await transact(home, () => ({
    rows: selectKeys(home),
    states: home.db.select({ ranAt: cleanupState.ranAt }).from(cleanupState),
  }));
  return { rows, cleanedUpAt: states[0]?.ranAt ?? null };
}

/** Adds a key unless its generation is taken, and reads all. */
export async function addKeyRow(home: Home, row: KeyRow): Promise<KeyRow[]> {
  const { rows } = await transact(home, () => ({
    added: home.db.insert(signingKeys).values(row).onConflictDoNothing(),
    rows: selectKeys(home),
  }));
  return rows;
}

/**
 * Marks keys as compromised from the moment on that the new key signs instead, and adds that one,
 * both or neither: where the new key's generation is taken, nothing is written. `audit` gives the
 * statements that are run only where it was. Reads all keys. One round trip.
 */
export async function replaceKeyRows(
  home: Home,
  kids: string[],
  row: KeyRow,
  audit: (isReplaced: SQL) => BatchItem<'sqlite'>[],
): Promise<KeyRow[]> {
  const { db } = home;
  const isReplaced = exists(sql`(select 1 from signing_keys where kid = ${row.kid})`);
  const isMarked = and(inArray(signingKeys.kid, kids), isNull(signingKeys.revokedAt), isReplaced);
  const { rows } = await transact(home, () => ({
    replacement: db.insert(signingKeys).values(row).onConflictDoNothing(),
    revoked: db.update(signingKeys).set({ revokedAt: row.activatesAt }).where(isMarked),
    audit: audit(isReplaced),
    rows: selectKeys(home),
  }));
  return rows;
}

export async function purgeKeyRows(home: Home, kids: string[]): Promise<number> {
  if (kids.length === 0) return 0;
  const { purged } = await transact(home, () => ({
    purged: home.db
      .delete(signingKeys)
      .where(inArray(signingKeys.kid, kids))
      .returning({ kid: signingKeys.kid }),
  }));
  return purged.length;
}

/**
 * Makes the keys of `to` those of `from`. A key that is revoked in either home stays revoked. Two
 * round trips.
 */
export async function copyKeyRows(from: Home, to: Home): Promise<number> {
  const { rows } = await readKeyRows(from);
  if (rows.length === 0) return 0;
  const kids = rows.map(({ kid }) => kid);
  const { privateKey, secretId, revokedAt } = signingKeys;
  await transact(to, () => ({
    // The rows are deleted first, because a generation is unique.
    removed: to.db.delete(signingKeys).where(notInArray(signingKeys.kid, kids)),
    keys: rows.map((row) =>
      to.db
        .insert(signingKeys)
        .values(row)
        .onConflictDoUpdate({
          target: signingKeys.kid,
          set: {
            privateKey: row.privateKey,
            secretId: row.secretId,
            revokedAt: sql`coalesce(${revokedAt}, excluded.revoked_at)`,
          },
          setWhere: or(
            ne(privateKey, row.privateKey),
            ne(secretId, row.secretId),
            row.revokedAt === null ? undefined : isNull(revokedAt),
          ),
        }),
    ),
  }));
  return rows.length;
}

/** Stores a private key encrypted anew, unless another run has done so. */
export async function replacePrivateKey(
  home: Home,
  kid: string,
  { from, to, sealed }: { from: string; to: string; sealed: string },
): Promise<void> {
  const unchanged = and(eq(signingKeys.kid, kid), eq(signingKeys.secretId, from));
  await transact(home, () => ({
    sealed: home.db.update(signingKeys).set({ privateKey: sealed, secretId: to }).where(unchanged),
  }));
}

/** What the cron keeps: the keys that sign, and where the clean-up stands. */
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { currentSecond } from './column-defaults';

/**
 * Keys that sign access tokens. When a key stops signing follows from the next one's
 * `activates_at`.
 */
export const signingKeys = sqliteTable('signing_keys', {
  /** RFC 7638 thumbprint. */
  kid: text('kid').primaryKey().notNull(),
  /**
   * 1, 2, 3 …: unique, so that of several isolates that make the next key at once, one succeeds.
   */
  generation: integer('generation').notNull().unique(),
  alg: text('alg').notNull(),
  publicJwk: text('public_jwk').notNull(),
  /** PKCS #8, AES-GCM encrypted, base64url. */
  privateKey: text('private_key').notNull(),
  /** Which SESSION_SECRET encrypted it. */
  secretId: text('secret_id').notNull(),
  createdAt: integer('created_at', { mode: 'timestamp' }).notNull().default(currentSecond),
  activatesAt: integer('activates_at', { mode: 'timestamp' }).notNull(),
  /**
   * When an operator said that it is compromised. The row stays for a while, so that no copy that
   * is under way brings the key back.
   */
  revokedAt: integer('revoked_at', { mode: 'timestamp' }),
});

/** One row: where the clean-up stands. */
export const cleanupState = sqliteTable('cleanup_state', {
  id: integer('id').primaryKey().notNull().default(1),
  /** The walk over all sessions in search of inactive ones has seen rows up to this rowid. */
  idleCursor: integer('idle_cursor').notNull().default(0),
  /** How far behind the last run was: age of the oldest row that should be gone, in seconds. */
  overdueSeconds: integer('overdue_seconds').notNull().default(0),
  ranAt: integer('ran_at', { mode: 'timestamp' }),
});

/**
 * The tables that the cron keeps: the signing keys, the position of the clean-up, its runs, and the
 * counts of events.
 */
import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
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
   * When an operator reported that the key is compromised. The row stays for a while, so that no
   * copy that is under way brings the key back.
   */
  revokedAt: integer('revoked_at', { mode: 'timestamp' }),
});

/** The position of the clean-up and of the counting, in one row. */
export const cleanupState = sqliteTable('cleanup_state', {
  id: integer('id').primaryKey().notNull().default(1),
  /** The walk over all sessions in search of inactive ones has seen rows up to this rowid. */
  idleCursor: integer('idle_cursor').notNull().default(0),
  /** How far behind the last run was: age of the oldest row that should be gone, in seconds. */
  overdueSeconds: integer('overdue_seconds').notNull().default(0),
  ranAt: integer('ran_at', { mode: 'timestamp' }),
  /** Events up to this `seq` are in `counts`. */
  countedSeq: integer('counted_seq').notNull().default(0),
  /** Sessions that expired until then are in `counts`, and no longer in `active_sessions`. */
  countedUntil: integer('counted_until', { mode: 'timestamp' }),
  /** Sessions that can be used; NULL: no walk over them has ended yet. */
  activeSessions: integer('active_sessions'),
  /**
   * The walk that is under way: how many active sessions it met, and how many sessions ended
   * meanwhile.
   */
  walkActive: integer('walk_active').notNull().default(0),
  walkEnded: integer('walk_ended').notNull().default(0),
});

/**
 * The clean-up's runs, one row a run that got to its end, the newest last: without a new row, the
 * cron does not run, or fails.
 */
export const cleanupRuns = sqliteTable('cleanup_runs', {
  id: integer('id').primaryKey(),
  startedAt: integer('started_at', { mode: 'timestamp' }).notNull(),
  durationMs: integer('duration_ms').notNull(),
  /** Rows that it deleted, of each kind. */
  expired: integer('expired').notNull(),
  revoked: integer('revoked').notNull(),
  idle: integer('idle').notNull(),
  idempotencyKeys: integer('idempotency_keys').notNull(),
  events: integer('events').notNull(),
  /** 0: its budget ran out, and dead rows were left for the next run. */
  finished: integer('finished', { mode: 'boolean' }).notNull(),
  /** As in `cleanup_state`, when the run ended. */
  overdueSeconds: integer('overdue_seconds').notNull(),
});

/** How many events of each kind there were, by the hour (docs/metrics.md). */
export const counts = sqliteTable(
  'counts',
  {
    /** The second at which the hour began; 0: the sum of all time. */
    hour: integer('hour').notNull(),
    name: text('name').notNull(),
    label: text('label').notNull(),
    value: integer('value').notNull(),
  },
  (table) => [primaryKey({ columns: [table.hour, table.name, table.label] })],
);

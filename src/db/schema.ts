/**
 * The tables. A column that a refresh writes has no index, because every index on it would cost a second written
 * row on every refresh. Defaults are in the tables themselves, so that a row inserted by plain SQL gets them.
 */
import { sql } from 'drizzle-orm';
import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';

/** A random UUID version 4 (RFC 9562 §5.4), made by SQLite. */
const uuidV4 = sql`(lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))))`;
const currentSecond = sql`(unixepoch())`;

/** People, by the id that backends name them with, or by the issuer and subject of an OpenID provider. */
export const users = sqliteTable(
  'users',
  {
    id: text('id').primaryKey().notNull().default(uuidV4),
    issuer: text('issuer'),
    subject: text('subject'),
    createdAt: integer('created_at', { mode: 'timestamp' }).notNull().default(currentSecond),
  },
  (table) => [uniqueIndex('idx_users_issuer_subject').on(table.issuer, table.subject).where(sql`issuer IS NOT NULL`)],
);

/** One row a session, for its whole life: a refresh moves it forward, a revocation marks it, the clean-up deletes it. */
export const userSessions = sqliteTable(
  'user_sessions',
  {
    id: text('id').primaryKey().notNull().default(uuidV4),
    /** NULL is a guest session. */
    userId: text('user_id').references(() => users.id, { onDelete: 'cascade' }),
    /** SHA-256 (base64url) of the current refresh token's secret; never the token. */
    refreshToken: text('refresh_token').notNull(),
    /** Device or browser at creation. */
    userAgent: text('user_agent'),
    /** Address that created the session. */
    ipAddress: text('ip_address'),
    createdAt: integer('created_at', { mode: 'timestamp' }).notNull().default(currentSecond),
    /** The absolute limit; NULL never expires by time. */
    expiresAt: integer('expires_at', { mode: 'timestamp' }),
    /** The app that the session is for; only this client can use its refresh tokens. */
    clientId: text('client_id'),
    /** Last rotation, in milliseconds, because a grace period may be shorter than a second. NULL: never refreshed. */
    rotatedAt: integer('rotated_at', { mode: 'timestamp_ms' }),
    revokedAt: integer('revoked_at', { mode: 'timestamp' }),
    revokedReason: text('revoked_reason'),
    /** When the person last proved who they are (OpenID Connect Core §2). A refresh does not advance it. */
    authTime: integer('auth_time', { mode: 'timestamp' }),
    /** How they proved it (RFC 8176), a JSON array. */
    amr: text('amr'),
    /** Custom access-token claims, a JSON object. */
    claims: text('claims'),
  },
  (table) => [
    index('idx_user_sessions_uid').on(table.userId),
    index('idx_user_sessions_expires').on(table.expiresAt),
    index('idx_user_sessions_revoked').on(table.revokedAt).where(sql`revoked_at IS NOT NULL`),
  ],
);

/** Keys that sign access tokens. When a key stops signing follows from the next one's `activates_at`. */
export const signingKeys = sqliteTable('signing_keys', {
  /** RFC 7638 thumbprint. */
  kid: text('kid').primaryKey().notNull(),
  /** 1, 2, 3 …: unique, so that of several isolates that make the next key at once, one succeeds. */
  generation: integer('generation').notNull().unique(),
  alg: text('alg').notNull(),
  publicJwk: text('public_jwk').notNull(),
  /** PKCS #8, AES-GCM encrypted, base64url. */
  privateKey: text('private_key').notNull(),
  /** Which SESSION_SECRET encrypted it. */
  secretId: text('secret_id').notNull(),
  createdAt: integer('created_at', { mode: 'timestamp' }).notNull().default(currentSecond),
  activatesAt: integer('activates_at', { mode: 'timestamp' }).notNull(),
});

/** What a create with an Idempotency-Key made, so that a repeat can make the same answer again. */
export const idempotencyKeys = sqliteTable('idempotency_keys', {
  /** SHA-256 of the client and its key. */
  keyHash: text('key_hash').primaryKey().notNull(),
  /** HMAC of the request's parameters. */
  fingerprint: text('fingerprint').notNull(),
  /** Random; the session's first secret follows from it and from a key that is not in the database. */
  salt: text('salt').notNull(),
  sessionId: text('session_id').notNull(),
  createdAt: integer('created_at', { mode: 'timestamp' }).notNull().default(currentSecond),
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

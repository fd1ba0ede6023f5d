/** The tables of sessions, of idempotency keys, and of not-befores. */
import { sql } from 'drizzle-orm';
import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { currentSecond, uuidV4 } from './column-defaults';
import { users } from './user-tables';

/** Later than any session, and still a time that a cursor can hold: 5138. */
export const MAX_LISTED_SECOND = 99_999_999_999;

/**
 * SQL: where in a list a session is: at its creation, or last when its creation, written by hand,
 * is no time. An index has it, so it is written the same everywhere.
 */
export const LISTED_AT = sql.raw(
  `case when typeof(created_at) = 'integer' and created_at between 0 and ${MAX_LISTED_SECOND} then created_at else 0 end`,
);

/**
 * A session has one row for its whole life: a refresh moves it forward, a revocation marks it, the
 * clean-up deletes it.
 */
export const userSessions = sqliteTable(
  'user_sessions',
  {
    id: text('id').primaryKey().notNull().default(uuidV4),
    /** NULL: a guest session. A guest session that became a user's has the user's id. */
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
    /**
     * Last rotation, in milliseconds, because a grace period may be shorter than a second. NULL:
     * never refreshed.
     */
    rotatedAt: integer('rotated_at', { mode: 'timestamp_ms' }),
    revokedAt: integer('revoked_at', { mode: 'timestamp' }),
    revokedReason: text('revoked_reason'),
    /**
     * When the person last proved who they are (OpenID Connect Core §2). A refresh does not advance
     * it.
     */
    authTime: integer('auth_time', { mode: 'timestamp' }),
    /** How they proved it (RFC 8176), a JSON array. */
    amr: text('amr'),
    /** How well they proved it, by the issuer's own classes (OpenID Connect Core §2). */
    acr: text('acr'),
    /** Custom access-token claims, a JSON object. */
    claims: text('claims'),
    /**
     * The signals of the device and its place at the last rotation, or else at the creation: a JSON
     * object of risk/signals.ts.
     */
    lastSignals: text('last_signals'),
    /**
     * The home that the session has moved to; NULL: this one. The row stays to show the way, and is
     * as it was when it moved. The column is called `home`.
     */
    movedTo: text('home'),
    /** Moves until now, as in `users`. */
    moves: integer('moves').notNull().default(0),
    /**
     * The row of `idempotency_keys` that its creation wrote, so that it is found without an index.
     */
    idempotencyKeyHash: text('idempotency_key_hash'),
    /** The lost answers that were given again: a JSON object of sessions/recovery.ts. */
    recoveries: text('recoveries'),
    /**
     * The session as it was before its last step-ups, for the tokens that they superseded: a JSON
     * array of sessions/before-step-up.ts.
     */
    beforeStepUp: text('before_step_up'),
    /** The name that its person, or a backend, gave the device. */
    label: text('label'),
    /** Data that backends keep with the session, a JSON object. No token carries it. */
    metadata: text('metadata'),
    /** Access tokens that were issued before this time are stale: a refresh gives new ones. */
    tokensNotBefore: integer('tokens_not_before', { mode: 'timestamp' }),
    /** Support staff who act as the user (RFC 8693 §4.1): a JSON object of sessions/actor.ts. */
    act: text('act'),
    /** Whether its browser keeps it when it is closed; NULL: as its client has it. */
    persistent: integer('persistent', { mode: 'boolean' }),
    /** The scopes that it was granted (RFC 6749 §3.3), a JSON array; NULL: it has none. */
    scopes: text('scopes'),
    /** The audiences of its tokens (RFC 8707), a JSON array; NULL: all that its client may have. */
    audiences: text('audiences'),
    /**
     * The person's name at the client's issuer, a JSON array of issuer and subject
     * (service/external-subject.ts); NULL: the client names no issuer.
     */
    issuedName: text('issued_name'),
  },
  (table) => [
    index('idx_user_sessions_uid').on(table.userId),
    index('idx_user_sessions_expires').on(table.expiresAt),
    index('idx_user_sessions_revoked').on(table.revokedAt).where(sql`revoked_at IS NOT NULL`),
    // A user's open sessions, in the order of lists (sessions/open.ts).
    index('idx_user_sessions_open')
      .on(table.userId, LISTED_AT, table.id)
      .where(sql`user_id IS NOT NULL AND revoked_at IS NULL AND home IS NULL`),
    // The sessions whose access tokens went stale, as the revocation list reads them.
    index('idx_user_sessions_stale')
      .on(table.tokensNotBefore)
      .where(sql`tokens_not_before IS NOT NULL`),
    // The guests that became a user, found without the user's other sessions (sessions/erase.ts).
    index('idx_user_sessions_upgraded').on(table.userId).where(sql`revoked_reason = 'upgraded'`),
  ],
);

/**
 * SQL: the subject of a session: its user's id, or a guest session's own. The log, not-befores and
 * moves are by subject.
 */
export const SUBJECT = sql<string>`coalesce(${userSessions.userId}, ${userSessions.id})`;

/**
 * The result of a create with an Idempotency-Key, so that a repeat can make the same answer again.
 */
export const idempotencyKeys = sqliteTable('idempotency_keys', {
  /** SHA-256 of the client and its key. */
  keyHash: text('key_hash').primaryKey().notNull(),
  /** HMAC of the request's parameters. */
  fingerprint: text('fingerprint').notNull(),
  /**
   * Random; the session's first secret follows from it and from a key that is not in the database.
   */
  salt: text('salt').notNull(),
  sessionId: text('session_id').notNull(),
  createdAt: integer('created_at', { mode: 'timestamp' }).notNull().default(currentSecond),
});

/**
 * Not-befores (the table is older than the word): sessions that began, and access tokens that were
 * issued, before a time are over, whatever their own row says. Users have one who were signed out
 * everywhere or erased, and everyone has one after a restore.
 */
export const notBefores = sqliteTable(
  'outdated_tokens',
  {
    /** A user's id, a guest's session id, EVERYONE, or one of sessions/not-before.ts. */
    subject: text('subject').primaryKey().notNull(),
    /** Sessions and tokens from before this time are over. */
    notBefore: integer('not_before', { mode: 'timestamp' }).notNull(),
    /** The time after which no such session or token is left. */
    expiresAt: integer('expires_at', { mode: 'timestamp' }).notNull(),
  },
  (table) => [
    index('idx_outdated_tokens_expires').on(table.expiresAt),
    index('idx_outdated_tokens_not_before').on(table.notBefore),
  ],
);

/** The subject of `outdated_tokens` that stands for all of this home. */
export const EVERYONE = '*';

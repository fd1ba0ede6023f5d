/**
 * The tables. A column that a refresh writes has no index, because every index on it would cost a
 * second written row on every refresh. Defaults are in the tables themselves, so that a row
 * inserted by plain SQL gets them.
 */
import { sql } from 'drizzle-orm';
import {
  index,
  integer,
  primaryKey,
  sqliteTable,
  text,
  uniqueIndex,
} from 'drizzle-orm/sqlite-core';

/** A random UUID version 4 (RFC 9562 §5.4), made by SQLite. */
const uuidV4 = sql`(lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))))`;
const currentSecond = sql`(unixepoch())`;

/**
 * People, by the id that backends name them with, or by the issuer and subject of an OpenID
 * provider.
 */
export const users = sqliteTable(
  'users',
  {
    id: text('id').primaryKey().notNull().default(uuidV4),
    issuer: text('issuer'),
    subject: text('subject'),
    createdAt: integer('created_at', { mode: 'timestamp' }).notNull().default(currentSecond),
    /** The home that the user has moved to; NULL: this one. The column is called `home`. */
    movedTo: text('home'),
    /** Moves until now: of two rows in two homes, the one with more is later. */
    moves: integer('moves').notNull().default(0),
  },
  (table) => [
    uniqueIndex('idx_users_issuer_subject')
      .on(table.issuer, table.subject)
      .where(sql`issuer IS NOT NULL`),
  ],
);

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
 * One row a session, for its whole life: a refresh moves it forward, a revocation marks it, the
 * clean-up deletes it.
 */
export const userSessions = sqliteTable(
  'user_sessions',
  {
    id: text('id').primaryKey().notNull().default(uuidV4),
    /** NULL is a guest session. One that became a user's has the user's id. */
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
     * What the last rotation, else the creation, told of the device and where it is: a JSON object
     * of risk/signals.ts.
     */
    lastSignals: text('last_signals'),
    /**
     * The home that the session has moved to; NULL: this one. The row stays to show the way, and is
     * as it was when it moved. The column is called `home`.
     */
    movedTo: text('home'),
    /** As of users. */
    moves: integer('moves').notNull().default(0),
    /**
     * The row of `idempotency_keys` that its creation wrote, so that it is found without an index.
     */
    idempotencyKeyHash: text('idempotency_key_hash'),
    /** The lost answers that were given again: a JSON object of sessions/recovery.ts. */
    recoveries: text('recoveries'),
    /**
     * What the session was to the tokens that a step-up superseded: a JSON array of
     * sessions/before-step-up.ts.
     */
    beforeStepUp: text('before_step_up'),
  },
  (table) => [
    index('idx_user_sessions_uid').on(table.userId),
    index('idx_user_sessions_expires').on(table.expiresAt),
    index('idx_user_sessions_revoked').on(table.revokedAt).where(sql`revoked_at IS NOT NULL`),
    // A user's sessions that nothing has ended but time, in the order of lists (sessions/open.ts).
    index('idx_user_sessions_open')
      .on(table.userId, LISTED_AT, table.id)
      .where(sql`user_id IS NOT NULL AND revoked_at IS NULL AND home IS NULL`),
    // The guests that became a user, found without the user's other sessions (sessions/erase.ts).
    index('idx_user_sessions_upgraded').on(table.userId).where(sql`revoked_reason = 'upgraded'`),
  ],
);

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

/** What a create with an Idempotency-Key made, so that a repeat can make the same answer again. */
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

/** The security log: what happened to sessions, written in the transaction in which it happened. */
export const sessionEvents = sqliteTable(
  'session_events',
  {
    /** Grows with each event, so that the rowid itself gives the order. */
    seq: integer('seq').primaryKey(),
    id: text('id').notNull().unique().default(uuidV4),
    type: text('type').notNull(),
    /**
     * Whose log it is in: the user's id; of a guest, the session's. Of the audit log: `audit:` and
     * what the act was about (security-log/audit.ts).
     */
    subject: text('subject').notNull(),
    /** Of the audit log: what stands for what the act was about, and names no person. */
    sessionId: text('session_id').notNull(),
    /** The app of the session. Of the audit log: the client that acted. */
    clientId: text('client_id'),
    /** The request that caused it, as in the log lines. */
    requestId: text('request_id'),
    createdAt: integer('created_at', { mode: 'timestamp' }).notNull().default(currentSecond),
    /** A JSON object of security-log/record.ts. */
    details: text('details').notNull().default('{}'),
    /** How often the session had moved when it was written. NULL in rows that are older. */
    sessionMoves: integer('session_moves'),
    /**
     * As security-log/sequence.ts has it, once the event has left the home that it was written in;
     * NULL: it follows from `session_moves` and `seq`.
     */
    sequence: integer('sequence'),
  },
  (table) => [
    index('idx_session_events_subject').on(table.subject),
    // The audit log, which no other event has an entry in.
    index('idx_session_events_audit')
      .on(table.createdAt, table.id)
      .where(sql`substr(subject, 1, 6) = 'audit:'`),
  ],
);

/**
 * The outbox: which endpoint has yet to be told of which event. What was delivered is deleted. NULL
 * as a session stands in rows that are older than the column: they wait for no other.
 */
export const webhookDeliveries = sqliteTable(
  'webhook_deliveries',
  {
    eventId: text('event_id')
      .notNull()
      .references(() => sessionEvents.id, { onDelete: 'cascade' }),
    /** The endpoint's name in WEBHOOKS. */
    endpoint: text('endpoint').notNull(),
    /**
     * `pending`; `refused` while the endpoint does not want this very message, which is tried again
     * later and holds up no other; or `dead` once all attempts have failed.
     */
    state: text('state').notNull().default('pending'),
    attempts: integer('attempts').notNull().default(0),
    /** Not before this. While an attempt is under way, when it counts as lost. */
    nextAttemptAt: integer('next_attempt_at', { mode: 'timestamp' }).notNull(),
    /**
     * Why the last attempt failed: a status or a kind of failure, never what the endpoint answered.
     */
    lastError: text('last_error'),
    /** Of the event, so that what a session has pending is found in order. */
    sessionId: text('session_id'),
    sequence: integer('sequence'),
  },
  (table) => [
    primaryKey({ columns: [table.eventId, table.endpoint] }),
    index('idx_webhook_deliveries_due')
      .on(table.endpoint, table.nextAttemptAt)
      .where(sql`state = 'pending'`),
    index('idx_webhook_deliveries_refused')
      .on(table.endpoint, table.nextAttemptAt)
      .where(sql`state = 'refused'`),
    index('idx_webhook_deliveries_session')
      .on(table.endpoint, table.sessionId, table.sequence)
      .where(sql`state = 'pending'`),
  ],
);

/** Endpoints that asked, by Retry-After, to be left alone for a while. */
export const webhookPauses = sqliteTable('webhook_pauses', {
  /** The endpoint's name in WEBHOOKS. */
  endpoint: text('endpoint').primaryKey().notNull(),
  until: integer('until', { mode: 'timestamp' }).notNull(),
});

/**
 * Not-befores (the table is older than the word): sessions that began, and access tokens that were
 * issued, before a time are over, whatever their own row says. Of users who were signed out
 * everywhere or erased, and of everyone after a restore.
 */
export const notBefores = sqliteTable(
  'outdated_tokens',
  {
    /** A user's id, a guest's session id, EVERYONE, or one of sessions/not-before.ts. */
    subject: text('subject').primaryKey().notNull(),
    /** What is older is over. */
    notBefore: integer('not_before', { mode: 'timestamp' }).notNull(),
    /** From then on no such token is left. */
    expiresAt: integer('expires_at', { mode: 'timestamp' }).notNull(),
  },
  (table) => [
    index('idx_outdated_tokens_expires').on(table.expiresAt),
    index('idx_outdated_tokens_not_before').on(table.notBefore),
  ],
);

/** The subject of `outdated_tokens` that stands for all of this home. */
export const EVERYONE = '*';

/**
 * Users and guests who have left this home and may not have arrived in the other (homes/move.ts).
 */
export const unfinishedMoves = sqliteTable('unfinished_moves', {
  /** A user's id, or a guest's session id. */
  subject: text('subject').primaryKey().notNull(),
  to: text('home').notNull(),
  startedAt: integer('started_at', { mode: 'timestamp' }).notNull(),
});

/** ID tokens that started a session, so that none starts another (RFC 7523 §3). */
export const usedAssertions = sqliteTable(
  'used_assertions',
  {
    /** SHA-256 of the issuer and the token's `jti`, else of what it signs. */
    hash: text('hash').primaryKey().notNull(),
    expiresAt: integer('expires_at', { mode: 'timestamp' }).notNull(),
  },
  (table) => [index('idx_used_assertions_expires').on(table.expiresAt)],
);

/** One row: where the clean-up stands. */
export const cleanupState = sqliteTable('cleanup_state', {
  id: integer('id').primaryKey().notNull().default(1),
  /** The walk over all sessions in search of inactive ones has seen rows up to this rowid. */
  idleCursor: integer('idle_cursor').notNull().default(0),
  /** How far behind the last run was: age of the oldest row that should be gone, in seconds. */
  overdueSeconds: integer('overdue_seconds').notNull().default(0),
  ranAt: integer('ran_at', { mode: 'timestamp' }),
});

/** The tables of users, of their unfinished moves, and of the ID tokens that they used. */
import { sql } from 'drizzle-orm';
import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { currentSecond, uuidV4 } from './column-defaults';

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

/**
 * Users and guests who have left this home and may not have arrived in the other (homes/move.ts).
 */
export const unfinishedMoves = sqliteTable('unfinished_moves', {
  /** A user's id, or a guest's session id. */
  subject: text('subject').primaryKey().notNull(),
  to: text('home').notNull(),
  startedAt: integer('started_at', { mode: 'timestamp' }).notNull(),
});

/**
 * Tokens that began a session, so that they begin no other: ID tokens (RFC 7523 §3), and the tokens
 * of imported sessions.
 */
export const usedAssertions = sqliteTable(
  'used_assertions',
  {
    /**
     * SHA-256 of the issuer and the token's `jti`, or else of its header and payload. For an
     * imported session: the id that its token gave it.
     */
    hash: text('hash').primaryKey().notNull(),
    expiresAt: integer('expires_at', { mode: 'timestamp' }).notNull(),
  },
  (table) => [index('idx_used_assertions_expires').on(table.expiresAt)],
);

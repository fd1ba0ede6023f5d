/**
 * Three decisions on each column of a session's row, made here once for all code that copies or
 * empties rows. A new column does not compile before somebody has made them:
 *
 * - Where a session has left for another home, its row stays to show the way (homes/move.ts). Does
 *   the column stay in it, or is it blanked, because it says something of the person?
 * - A person may have all that is held of them (sessions/export.ts). Is the column exported, or is
 *   it withheld, because it verifies tokens, and its worth is that nobody has it?
 * - Does the column hold JSON, which the person is given as what it holds?
 *
 * The other places that a new column needs, from the migration to the clients' types, are the row
 * "a new member of `POST /v1/sessions`" of docs/architecture.md.
 */
import type { userSessions } from '../db/schema';

type Row = typeof userSessions.$inferSelect;
type Decided<
  T extends Record<keyof Row, ['stays' | 'blanked', 'exported' | 'withheld', 'plain' | 'json']>,
> = T;

type Columns = Decided<{
  id: ['stays', 'exported', 'plain'];
  userId: ['stays', 'exported', 'plain'];
  refreshToken: ['stays', 'withheld', 'plain'];
  userAgent: ['blanked', 'exported', 'plain'];
  ipAddress: ['blanked', 'exported', 'plain'];
  createdAt: ['stays', 'exported', 'plain'];
  expiresAt: ['stays', 'exported', 'plain'];
  clientId: ['stays', 'exported', 'plain'];
  rotatedAt: ['stays', 'exported', 'plain'];
  revokedAt: ['stays', 'exported', 'plain'];
  revokedReason: ['stays', 'exported', 'plain'];
  authTime: ['blanked', 'exported', 'plain'];
  amr: ['blanked', 'exported', 'json'];
  acr: ['blanked', 'exported', 'plain'];
  claims: ['blanked', 'exported', 'json'];
  lastSignals: ['blanked', 'exported', 'json'];
  movedTo: ['stays', 'exported', 'plain'];
  moves: ['stays', 'exported', 'plain'];
  idempotencyKeyHash: ['stays', 'withheld', 'plain'];
  recoveries: ['blanked', 'withheld', 'json'];
  beforeStepUp: ['blanked', 'withheld', 'json'];
  label: ['blanked', 'exported', 'plain'];
  metadata: ['blanked', 'exported', 'json'];
  tokensNotBefore: ['stays', 'exported', 'plain'];
  act: ['blanked', 'exported', 'json'];
  persistent: ['stays', 'exported', 'plain'];
  scopes: ['stays', 'exported', 'json'];
  audiences: ['stays', 'exported', 'json'];
  issuedName: ['blanked', 'exported', 'json'];
}>;

type Where<Position extends 0 | 1 | 2, Is> = {
  [Name in keyof Columns]: Columns[Name][Position] extends Is ? Name : never;
}[keyof Columns];

/** The values of a row that stays behind. */
export const BLANKED = {
  userAgent: null,
  ipAddress: null,
  authTime: null,
  amr: null,
  acr: null,
  claims: null,
  lastSignals: null,
  recoveries: null,
  beforeStepUp: null,
  label: null,
  metadata: null,
  act: null,
  issuedName: null,
} satisfies Record<Where<0, 'blanked'>, null>;

type Withheld = Where<1, 'withheld'>;

const WITHHELD: Record<Withheld, true> = {
  refreshToken: true,
  idempotencyKeyHash: true,
  recoveries: true,
  beforeStepUp: true,
};

/** Leaves out the columns that are withheld from the person. */
export function exportedOf<All extends object>(columns: All): Omit<All, Withheld> {
  const exported = Object.entries(columns).filter(([name]) => !(name in WITHHELD));
  return Object.fromEntries(exported) as Omit<All, Withheld>;
}

/** The columns that hold JSON. */
export const JSON_COLUMNS = {
  amr: true,
  claims: true,
  lastSignals: true,
  recoveries: true,
  beforeStepUp: true,
  metadata: true,
  act: true,
  scopes: true,
  audiences: true,
  issuedName: true,
} satisfies Record<Where<2, 'json'>, true>;

/**
 * What each column of a session's row is to those who copy or empty rows, decided here once, so
 * that a new column does not compile before somebody has decided it, too:
 *
 * - Where a session has left for another home, its row stays to show the way (homes/move.ts). Does
 *   the column stay in it, or is it blanked, because it says something of the person?
 * - A person may have all that is held of them (sessions/export.ts). Is the column told, or is it
 *   withheld, because it verifies tokens, and its worth is that nobody has it?
 */
import type { userSessions } from '../db/schema';

type Row = typeof userSessions.$inferSelect;
type Decided<T extends Record<keyof Row, ['stays' | 'blanked', 'told' | 'withheld']>> = T;

type Columns = Decided<{
  id: ['stays', 'told'];
  userId: ['stays', 'told'];
  refreshToken: ['stays', 'withheld'];
  userAgent: ['blanked', 'told'];
  ipAddress: ['blanked', 'told'];
  createdAt: ['stays', 'told'];
  expiresAt: ['stays', 'told'];
  clientId: ['stays', 'told'];
  rotatedAt: ['stays', 'told'];
  revokedAt: ['stays', 'told'];
  revokedReason: ['stays', 'told'];
  authTime: ['blanked', 'told'];
  amr: ['blanked', 'told'];
  acr: ['blanked', 'told'];
  claims: ['blanked', 'told'];
  lastSignals: ['blanked', 'told'];
  movedTo: ['stays', 'told'];
  moves: ['stays', 'told'];
  idempotencyKeyHash: ['stays', 'withheld'];
  recoveries: ['blanked', 'withheld'];
  beforeStepUp: ['blanked', 'withheld'];
  label: ['blanked', 'told'];
  metadata: ['blanked', 'told'];
  tokensNotBefore: ['stays', 'told'];
  act: ['blanked', 'told'];
  persistent: ['stays', 'told'];
  scopes: ['stays', 'told'];
  audiences: ['stays', 'told'];
  issuedName: ['blanked', 'told'];
}>;

type Where<Position extends 0 | 1, Is> = {
  [Name in keyof Columns]: Columns[Name][Position] extends Is ? Name : never;
}[keyof Columns];

/** What is written into a row that stays behind. */
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

/** Of columns by their names, those that a person is told. */
export function toldOf<All extends object>(columns: All): Omit<All, Withheld> {
  const told = Object.entries(columns).filter(([name]) => !(name in WITHHELD));
  return Object.fromEntries(told) as Omit<All, Withheld>;
}

/** The input of a new session, and the row that it makes. */
import type { Grant, StartCapability } from '../config/authority';
import type { Signals } from '../risk/signals';
import type { Actor } from '../security-log/record';
import type { SupportActor } from './actor';
import type { Claim } from './idempotency';
import type { IssuedName } from './people';
import type { Session } from './session';

export interface NewSession {
  /** null: a guest. */
  userId: string | null;
  /** The app that the session is for. */
  clientId: string;
  /**
   * The actor and the grant that the session starts by. The grant has to allow `clientId` and the
   * guest.
   */
  startedBy: { by: Actor; grant: Grant<'sign_in' | StartCapability> };
  userAgent: string | null;
  ipAddress: string | null;
  /** null: no limit by time. */
  expiresAt: Date | null;
  authTime: Date | null;
  amr: string[] | null;
  acr: string | null;
  claims: Record<string, unknown> | null;
  /** The name of the device; null: it has none but what it tells of itself. */
  label: string | null;
  /** Data that the backend keeps with the session. */
  metadata: Record<string, unknown> | null;
  /** Whether its browser keeps it when it is closed; null: as its client has it. */
  persistent: boolean | null;
  /** The audiences of its tokens; null: all that its client may have. */
  audiences: readonly string[] | null;
  /** The granted scopes; null: the session has none. */
  scopes: readonly string[] | null;
  /** The signals of the device and its place. The first refresh is compared with them. */
  signals: Signals;
  /** The name of the person at the client's issuer; absent: the client names none. */
  issuedName?: IssuedName;
  /** The support staff whose session it is; null: it is the user's own. */
  act: SupportActor | null;
  /** The guest session that becomes the user's: it is revoked. */
  guestSessionId: string | null;
}

export function toRow(
  input: NewSession,
  {
    sessionId,
    refreshToken,
    claim,
    now,
  }: { sessionId: string; refreshToken: string; claim: Claim | null; now: number },
): Session {
  const { userId, clientId, userAgent, ipAddress, expiresAt, authTime, amr, acr } = input;
  const { claims, label, metadata, persistent, audiences, scopes, signals, act } = input;
  const { issuedName: name } = input;
  return {
    id: sessionId,
    userId,
    refreshToken,
    userAgent,
    ipAddress,
    createdAt: new Date(toSecond(now) * 1000),
    expiresAt,
    clientId,
    rotatedAt: null,
    revokedAt: null,
    revokedReason: null,
    authTime,
    amr: amr && JSON.stringify(amr),
    acr,
    claims: claims && JSON.stringify(claims),
    lastSignals: JSON.stringify(signals),
    movedTo: null,
    recoveries: null,
    beforeStepUp: null,
    label,
    metadata: metadata && JSON.stringify(metadata),
    tokensNotBefore: null,
    act: act && JSON.stringify(act),
    persistent,
    scopes: scopes && JSON.stringify(scopes),
    audiences: audiences && JSON.stringify(audiences),
    issuedName: name === undefined ? null : JSON.stringify([name.issuer, name.subject]),
    moves: 0,
    idempotencyKeyHash: claim?.keyHash ?? null,
  };
}

/** The row as the database has it. */
export function toValues(
  { id, expiresAt, authTime, idempotencyKeyHash, ...row }: Session,
  now: number,
) {
  const { userId, refreshToken, userAgent, ipAddress, clientId, amr, acr, claims, lastSignals } =
    row;
  const { label, metadata, act, scopes, audiences, issuedName } = row;
  return {
    userId,
    refreshToken,
    userAgent,
    ipAddress,
    clientId,
    amr,
    acr,
    claims,
    lastSignals,
    label,
    metadata,
    act,
    scopes,
    audiences,
    issuedName,
    persistent: row.persistent === null ? null : Number(row.persistent),
    sessionId: id,
    keyHash: idempotencyKeyHash,
    expiresAt: expiresAt && toSecond(expiresAt.getTime()),
    authTime: authTime && toSecond(authTime.getTime()),
    second: toSecond(now),
  };
}

export const toSecond = (ms: number) => Math.floor(ms / 1000);

/**
 * Why a session is over: each reason that is stored is mapped to the one that the session's client
 * is told.
 *
 * A new reason begins here, or in `ACT_REASONS` (security-log/audit.ts) where a client gives it.
 * Types and tests then ask for it in each place that publishes the reasons: the switch below,
 * client/rpc/refusal-codes.ts, openapi/described-errors.ts and docs/api.md; of one that a client
 * gives, client/rpc/inputs.ts, console/acting.tsx, cli/commands/sessions-command.ts and
 * docs/security-log.md.
 */
import type { ActReason } from '../security-log/audit';

/**
 * The values of `revoked_reason`. `suspicious`: revoked by policy, because a refresh looked like
 * someone else's.
 */
export type RevokedReason =
  | 'signed_out'
  | 'evicted'
  | 'reuse_detected'
  | 'suspicious'
  | 'revoked'
  | 'upgraded'
  /** A client ended it, and said why. */
  | ActReason
  /** The session was over by time before it was marked (sessions/enforce-limit.ts). */
  | 'expired_idle'
  | 'expired_absolute';

/** Why a session is over, as its own user may be told. */
export type EndReason =
  | 'expired_idle'
  | 'expired_absolute'
  | 'signed_out'
  | 'evicted'
  | 'reuse_detected'
  | 'revoked'
  | ActReason;

/**
 * Why a refresh is refused. After `reauthenticate` the session lives on: the person has to sign in
 * again where they are now.
 */
export type RefusalReason = EndReason | 'reauthenticate';

/** The stored reason, as the session's own client is told it. */
export function toEndReason(revokedReason: string | null): EndReason {
  const reason = revokedReason as RevokedReason | null;
  switch (reason) {
    case 'signed_out':
    case 'evicted':
    case 'reuse_detected':
    case 'expired_idle':
    case 'expired_absolute':
    case 'password_changed':
    case 'credential_compromised':
    case 'account_disabled':
    case 'administrator':
    case 'user_request':
      return reason;
    // A guest is told that the session is over, not what became of its user.
    case 'upgraded':
    case 'suspicious':
    case 'revoked':
    case null:
      return 'revoked';
    // The reason is of a later release.
    default:
      reason satisfies never;
      return 'revoked';
  }
}

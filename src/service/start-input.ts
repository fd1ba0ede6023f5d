/** The input of a session's start, as a backend, an import or a hand-off gives it. */
import type { Act } from '../security-log/audit';
import type { SupportActor } from '../sessions/actor';
import type { IssuedName } from '../sessions/people';
import type { ImportedToken } from '../tokens/imported-token';
import type { GrantParameters } from './token-grant';

export interface StartInput {
  /** The user by id, or by an identity provider's name of them; neither: a guest. */
  userId: string | null;
  userName: IssuedName | null;
  /** The app that the session is for; null: the caller itself. */
  clientId: string | null;
  /** The end user's own, as the backend saw it; so is the address. */
  userAgent: string | null;
  ipAddress: string | null;
  /** The place of the end user, as `request.cf` tells it; null: unknown. */
  place: Record<string, unknown> | null;
  /** Seconds; null: no limit by time; undefined: as the service has it. */
  expiresIn: number | null | undefined;
  /** Seconds since 1970; null: now. */
  authTime: number | null;
  amr: string[] | null;
  acr: string | null;
  claims: Record<string, unknown> | null;
  label: string | null;
  metadata: Record<string, unknown> | null;
  /** The audiences and scopes that the session's tokens are asked to have. */
  grantParameters: GrantParameters;
  /** Whether its browser keeps it when it is closed; null: as its client has it. */
  persistent: boolean | null;
  /** Support staff who are to act as the user; null: it is the user's own. */
  act: SupportActor | null;
  guestSessionId: string | null;
  /** The name of the home that a new user is to live in; null: the nearest. */
  home: string | null;
  /** Hands the session to a browser, which comes back here. */
  returnUrl: string | null;
  /** A session that began in another system (service/import-sessions.ts). */
  imported?: { token: ImportedToken; expiresAt: Date; knownUntil: Date; act: Act };
}

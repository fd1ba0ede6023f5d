/**
 * The session of another system goes into its browser's cookies: the backend that was sent the old
 * cookie hands it off, as it does with a session that it starts. A browser that opens several tabs
 * at once is handed the same session by each of them.
 */
import { sha256 } from '../crypto';
import { type Session, wasRotatedWithinGrace } from '../sessions/session';
import { authorize } from './authorize';
import type { ClientCaller } from './caller';
import { deviceOf } from './caller-signals';
import { type HandOff, handOffKnown } from './hand-off';
import { verifyImported } from './imported-session';
import { refresh } from './refresh-session';
import { type Result, refuse, UNKNOWN_SESSION } from './refusal';
import type { Service } from './service';
import { throttleFailure } from './throttle';

export interface ImportedHandOff {
  /** The token as its holder presents it. */
  token: string;
  /** The app whose session it is; null: the caller itself. */
  clientId: string | null;
  returnUrl: string;
}

export async function handOffImported(
  caller: ClientCaller,
  service: Service,
  { token: refreshToken, returnUrl, ...wanted }: ImportedHandOff,
): Promise<Result<{ session: Session; handOff: HandOff }>> {
  const authorized = authorize(caller.client, 'create_sessions');
  if (!authorized.ok) return authorized;
  const { grant } = authorized;
  const clientId = wanted.clientId ?? grant.clientId;
  const verified = grant.includes(clientId)
    ? await verifyImported(caller, service, clientId, refreshToken)
    : null;
  if (verified === null)
    return (await throttleFailure(caller, service, grant.clientId)) ?? UNKNOWN_SESSION;
  if (!verified.ok) return verified;
  const { home, token } = verified;
  const { session, ended } = verified.adopted;
  const { config } = service;
  const now = service.now();
  if (ended !== null) return refuse({ code: 'session_over', reason: ended });
  if (session.refreshToken !== (await sha256(token.secret))) {
    // Tabs that opened together may come a little late, within the grace period; after that,
    // somebody else has the old token, and a refresh with it ends the session.
    const attempt = {
      refreshToken,
      isImported: true,
      clientId,
      grantParameters: { resource: null, scope: null },
    };
    if (!wasRotatedWithinGrace(session, config.sessions, now))
      await refresh({ ...caller, device: deviceOf({}) }, service, attempt);
    return refuse({ code: 'refresh_token_superseded' });
  }
  return handOffKnown(service, home, { session, secret: token.secret }, { clientId, returnUrl });
}

/** Refreshing by a token that someone presents, whether it came in a form or in a cookie. */
import type { Home } from '../db/d1';
import { rotateSession } from '../sessions/rotate';
import type { RefusalReason, Session } from '../sessions/session';
import { verifyRefreshToken } from '../tokens/refresh-token';
import type { AppContext } from './context';
import { logUnknownHome, whereSessionIs } from './homes';
import { logEvents, reportingOf } from './reporting';
import type { Service } from './service';
import { readSignals } from './signals';
import { throttleFailure, throttleSession } from './throttle';

export type RefreshResult =
  | {
      ok: true;
      outcome: 'rotated' | 'kept' | 'repeated' | 'recovered';
      home: Home;
      session: Session;
      /** The secret of the token to answer with. */
      secret: string;
    }
  /**
   * `reason` is what the caller may be told: nothing (null), unless the token is authentic and the
   * caller's own. `outcome` is for the log.
   */
  | { ok: false; reason: RefusalReason | null; outcome: string };

interface Presentation {
  presented: string;
  clientId: string;
}

/**
 * Refreshes the session of a token for the client that presents it. A token that is not ours costs
 * no database call.
 */
export async function refresh(
  c: AppContext,
  service: Service,
  presentation: Presentation,
): Promise<RefreshResult> {
  const result = await attempt(c, service, presentation);
  if (!result.ok) await throttleFailure(c, service, presentation.clientId);
  return result;
}

async function attempt(
  c: AppContext,
  service: Service,
  { presented, clientId }: Presentation,
): Promise<RefreshResult> {
  const now = service.now();
  const keyring = await service.keyring();
  const verdict = await verifyRefreshToken(keyring, presented, now);
  if (!verdict.ok) {
    return verdict.reason === 'expired' ? refused('expired_absolute') : unknown(verdict.reason);
  }
  const home = service.findHome(verdict.token.home, c.get('meter'));
  if (home === null) {
    logUnknownHome(c);
    return unknown('unknown_home');
  }
  await throttleSession(service, verdict.token.sessionId);
  // What the answer needs comes first, so that no session moves on whose new token cannot be given.
  await service.keySet(home);
  const { config } = service;
  const policy = {
    sessions: config.sessions,
    risk: config.clients.get(clientId)?.riskPolicy ?? config.risk.policy,
    lostAnswerSeconds: config.risk.lostAnswerSeconds,
  };
  const { signals, formerNetwork } = await readSignals(c, service);
  const reporting = reportingOf(c, config);
  const { token } = verdict;
  const attempt = { token, clientId, signals, formerNetwork, reporting, now };
  const { home: at, result } = await whereSessionIs(
    c,
    service,
    { home, sessionId: token.sessionId },
    (place) => rotateSession(place, keyring, policy, attempt),
    (found) => !found.ok && found.reason === 'moved',
  );
  logEvents(c, at, result.events);
  if (result.ok) return { ...result, home: at };
  switch (result.reason) {
    case 'unknown_session':
    case 'wrong_client':
    case 'moved':
      return unknown(result.reason);
    default:
      return refused(result.reason);
  }
}

const unknown = (outcome: string): RefreshResult => ({ ok: false, reason: null, outcome });
const refused = (reason: RefusalReason): RefreshResult => ({ ok: false, reason, outcome: reason });

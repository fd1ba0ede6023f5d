/** Refreshes by a presented token, whether it came in a form or in a cookie. */

import { giveBackImported } from '../sessions/adopt-imported';
import type { RefusalReason } from '../sessions/end-reason';
import type { RefreshOutcome } from '../sessions/refresh-case';
import { rotateSession } from '../sessions/rotate';
import type { Session } from '../sessions/session';
import { verifyRefreshToken } from '../tokens/refresh-token';
import { authorize } from './authorize';
import type { Caller } from './caller';
import { signalsOf } from './caller-signals';
import { whereSessionIs } from './follow-session';
import { homeOf } from './home-of-token';
import { type VerifiedToken, verifyImported } from './imported-session';
import { issueTokens, type Tokens } from './issue-tokens';
import { refreshPolicyOf } from './present';
import { type Refusal, type Result, refuse } from './refusal';
import { report, reportingOf } from './report';
import type { Service } from './service';
import { throttleFailure, throttleToken } from './throttle';
import { type GrantParameters, parseRequestedGrant } from './token-grant';

export type RefreshResult = Result<{
  outcome: RefreshOutcome;
  session: Session;
  tokens: Tokens;
}>;

interface RefreshRequest {
  refreshToken: string;
  /** The token is none of ours, but that of a session that began in another system. */
  isImported?: boolean;
  clientId: string;
  /** The audiences and scopes that the access token is asked to have. */
  grantParameters: GrantParameters;
}

/**
 * Refreshes the session of a token for the client that presents it. A token that is not ours costs
 * no database call.
 */
export async function refresh(
  caller: Caller,
  service: Service,
  request: RefreshRequest,
): Promise<RefreshResult> {
  const client = service.config.clients.get(request.clientId);
  if (client === undefined) return unknown('unknown_client');
  const authorized = authorize(client, 'refresh');
  if (!authorized.ok) return authorized;
  const result = await attempt(caller, service, request);
  if (result.ok || !provedNothing(result.refusal)) return result;
  return (await throttleFailure(caller, service, request.clientId)) ?? result;
}

async function attempt(
  caller: Caller,
  service: Service,
  { refreshToken, isImported = false, clientId, grantParameters }: RefreshRequest,
): Promise<RefreshResult> {
  const read = parseRequestedGrant(service.config, clientId, grantParameters);
  if (!read.ok) return read;
  const { requested } = read;
  const now = service.now();
  const keyring = await service.keyring();
  const verified = await (isImported ? verifyImported : verifyOwn)(
    caller,
    service,
    clientId,
    refreshToken,
  );
  if (verified === null) return unknown('unknown_import');
  if (!verified.ok) return verified;
  const { home, token, adopted } = verified;
  const signer = await service.signerFor(home);
  const policy = refreshPolicyOf(service, clientId);
  const seen = await signalsOf(caller.device, service);
  const reporting = reportingOf(caller, service.config);
  const unknownSignals = caller.device.unknown ?? [];
  const attempt = { ...seen, unknownSignals, token, clientId, requested };
  const refreshed = await whereSessionIs(
    caller,
    service,
    { home, sessionId: token.sessionId },
    (place) => rotateSession(place, attempt, { keyring, policy, reporting, now }),
  );
  if (refreshed === null) return unknown('unknown_home');
  const { home: at, result } = refreshed;
  if (!result.ok && adopted !== null) await giveBackImported(at, token, adopted.endedAt);
  report(caller, at, result.events);
  if (result.ok) {
    const { outcome, session } = result;
    service.tally.count('refreshes', outcome, clientId);
    const tokens = await issueTokens(service, signer, { ...result, home: at }, requested);
    return { ok: true, outcome, session, tokens };
  }
  switch (result.reason) {
    case 'unknown_session':
    case 'wrong_client':
    case 'unproven':
      return unknown(result.reason);
    case 'invalid_target':
    case 'invalid_scope':
      return refuse({ code: result.reason });
    default:
      return refused(result.reason satisfies RefusalReason);
  }
}

/** Verifies a token of this service's own. No database is asked. */
async function verifyOwn(
  caller: Caller,
  service: Service,
  _clientId: string,
  refreshToken: string,
): Promise<VerifiedToken> {
  const verdict = await verifyRefreshToken(await service.keyring(), refreshToken, service.now());
  if (!verdict.ok) {
    return verdict.reason === 'expired' ? refused('expired_absolute') : unknown(verdict.reason);
  }
  const { token } = verdict;
  const home = homeOf(caller, service, token.home);
  if (home === null) return unknown('unknown_home');
  return (await throttleToken(service, token)) ?? { ok: true, home, token, adopted: null };
}

/** A refusal with a reason is of an authentic token, which is counted by its session instead. */
const provedNothing = (refusal: Refusal) =>
  refusal.code === 'invalid_grant' && refusal.reason === null;

/** A token that is not authentic, or not the caller's, is told nothing more. */
const unknown = (outcome: string) => refuse({ code: 'invalid_grant', reason: null, outcome });
/** The holder of an authentic token may know why its session is over. */
const refused = (reason: RefusalReason) =>
  refuse({ code: 'invalid_grant', reason, outcome: reason });

/** The browser's half of the hand-off: the session that waits behind a code starts there. */

import type { Client } from '../config/clients';
import { findClient } from '../config/refused-clients';
import { isAllowedReturnUrl } from '../origins';
import { MAX_USER_AGENT_LENGTH } from '../risk/user-agent';
import { exchangeHandoff } from '../sessions/exchange-handoff';
import { type OpenedHandoff, openHandoff } from '../tokens/handoff-code';
import type { Caller } from './caller';
import { signalsOf } from './caller-signals';
import { endReplaced } from './end-by-cookies';
import { whereSessionIs } from './follow-session';
import { homeOf } from './home-of-token';
import { issueTokens, type Tokens } from './issue-tokens';
import { refreshPolicyOf } from './present';
import type { VerifiedCookie } from './present-cookie';
import { type Result, refuse } from './refusal';
import { report, revocationOf } from './report';
import type { Service } from './service';
import { throttleHandOff } from './throttle';

export type BrowserHandoff = OpenedHandoff & { client: Client };

/** The answer is the same for a code that was changed, used or expired. */
export const INVALID_CODE = refuse({ code: 'invalid_code' });

/**
 * Opens an authentic code, where its client may still have browser sessions. An expired code is
 * opened too, and says that it has expired. No database is asked.
 */
export async function openCode(
  { config, keyring, now }: Service,
  code: string,
): Promise<Result<{ handoff: BrowserHandoff }>> {
  const handoff = await openHandoff(await keyring(), code, now());
  const client = handoff === null ? undefined : findClient(config, handoff.clientId);
  if (handoff === null || client === undefined) return INVALID_CODE;
  if (!isAllowedReturnUrl(client.returnUrls, handoff.returnUrl)) return INVALID_CODE;
  return { ok: true, handoff: { ...handoff, client } };
}

/**
 * Exchanges a code, once, for the tokens of its session. The browser's former session ends: in the
 * same transaction, where both are in one home.
 */
export async function startInBrowser(
  caller: Caller,
  service: Service,
  handoff: BrowserHandoff,
  former: VerifiedCookie | null,
): Promise<Result<{ tokens: Tokens }>> {
  const home = homeOf(caller, service, handoff.home);
  if (home === null) return INVALID_CODE;
  const throttled = await throttleHandOff(service, handoff.sessionId);
  if (throttled !== null) return throttled;
  const signer = await service.signerFor(home);
  const isHere = former?.token.home === home.name && !former.token.mayBeForged;
  const replaces = isHere ? former.token.sessionId : null;
  const { signals } = await signalsOf(caller.device, service);
  const userAgent = caller.device.userAgent?.slice(0, MAX_USER_AGENT_LENGTH) ?? null;
  const { risk } = refreshPolicyOf(service, handoff.clientId);
  const browser = { userAgent, signals, risk, replaces };
  const exchanged = await whereSessionIs(
    caller,
    service,
    { home, sessionId: handoff.sessionId },
    (place) => exchangeHandoff(place, handoff, browser, revocationOf(caller, service)),
  );
  if (exchanged === null || exchanged.result === null) return INVALID_CODE;
  const { home: at, result } = exchanged;
  report(caller, at, result.events);
  // One transaction is in one database, so a former session in another home is ended by a statement
  // of its own.
  if (replaces === null) await endReplaced(caller, service, former);
  const { session, secret } = result;
  return { ok: true, tokens: await issueTokens(service, signer, { home: at, session, secret }) };
}

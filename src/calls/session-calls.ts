/**
 * A backend records that it has authenticated a person anew; it sees, changes and ends a session by
 * its id.
 */
import * as v from 'valibot';
import { updateReached } from '../service/change-sessions';
import { endReached, findReached } from '../service/reached-session';
import { handOffStepUp } from '../service/step-up-in-browser';
import { stepUp } from '../service/step-up-session';
import { defineCall } from './call';
import { change, toChangeInput } from './change-fields';
import { authentication, browser, label, reason, uuid } from './fields';
import { toHandedOffView, toManagedView, toStartView } from './views';

const toStepUpInput = (input: {
  session_id: string;
  auth_time?: number | undefined;
  amr?: string[] | undefined;
  acr?: string | undefined;
}) => ({
  sessionId: input.session_id,
  authTime: input.auth_time ?? null,
  amr: input.amr ?? null,
  acr: input.acr ?? null,
});

/** Step-up: the backend has authenticated the person anew. */
export const authenticate = defineCall(
  'create_sessions',
  v.strictObject({ session_id: uuid, refresh_token: v.string(), ...authentication }),
  async (caller, service, input) => {
    const steppedUp = await stepUp(caller, service, {
      ...toStepUpInput(input),
      refreshToken: input.refresh_token,
    });
    if (!steppedUp.ok) return steppedUp;
    const value = toStartView(steppedUp.session, steppedUp.tokens, service.config);
    return { ok: true, value, outcome: 'authenticated' };
  },
);

/** Step-up of a session in a browser's cookies: by a URL for the browser. */
export const authenticateInBrowser = defineCall(
  'create_sessions',
  v.strictObject({ session_id: uuid, browser, ...authentication }),
  async (caller, service, input) => {
    const handedOff = await handOffStepUp(caller, service, {
      ...toStepUpInput(input),
      returnUrl: input.browser.return_url,
    });
    if (!handedOff.ok) return handedOff;
    const { session, handOff } = handedOff;
    return { ok: true, value: toHandedOffView(session, handOff, service.config) };
  },
);

export const getSession = defineCall(
  'manage_users',
  v.strictObject({ session_id: uuid }),
  async (caller, service, { session_id: sessionId }) => {
    const found = await findReached(caller, service, sessionId);
    if (!found.ok) return found;
    return { ok: true, value: { session: toManagedView(found.session, service.config) } };
  },
);

/**
 * Changes a session. New claims are in its access tokens from the next refresh on; `apply` makes
 * that soon.
 */
export const updateSession = defineCall(
  'manage_users',
  v.strictObject({ session_id: uuid, ...change, label: v.nullish(label), reason }),
  async (caller, service, { session_id: sessionId, reason: given = null, ...input }) => {
    const wanted = { sessionId, ...toChangeInput(input) };
    const updated = await updateReached(caller, service, wanted, given);
    if (!updated.ok) return updated;
    const value = { session: toManagedView(updated.session, service.config) };
    return { ok: true, value, outcome: 'updated' };
  },
);

export const revokeSession = defineCall(
  'manage_users',
  v.strictObject({ session_id: uuid, reason }),
  async (caller, service, { session_id: sessionId, reason: given = null }) => {
    const ended = await endReached(caller, service, sessionId, given);
    if (!ended.ok) return ended;
    const { isEnded } = ended;
    return {
      ok: true,
      value: { revoked: isEnded },
      outcome: isEnded ? 'revoked' : 'unchanged',
    };
  },
);

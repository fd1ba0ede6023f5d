/**
 * What a client does with its tokens by other doors than HTTP, where OAuth's forms do the same. The
 * signals of the person's device are those that the caller passes; its own request tells nothing.
 */
import * as v from 'valibot';
import { introspect as introspectToken, revokeByToken } from '../service/inspect-token';
import { refresh as refreshSession } from '../service/refresh-session';
import { signIn as signInBy } from '../service/sign-in';
import { deviceOf, whyNotDescribed } from '../service/signals';
import { defineCall } from './call';
import { signals } from './fields';
import { toIntrospectionView, toTokenView } from './views';

/** Whom the access token is to be for (RFC 8707). */
const resource = v.optional(v.string());

export const refresh = defineCall(
  'refresh',
  v.strictObject({ refresh_token: v.string(), resource, ...signals }),
  async (caller, service, { refresh_token: presented, resource = null, ...told }) => {
    const refused = whyNotDescribed(told, caller.client.id, service);
    if (refused !== null) return refused;
    const described = { ...caller, device: deviceOf(told) };
    const presentation = { presented, clientId: caller.client.id, resource };
    const refreshed = await refreshSession(described, service, presentation);
    if (!refreshed.ok) return refreshed;
    return { ok: true, value: toTokenView(refreshed.tokens), outcome: refreshed.outcome };
  },
);

export const signIn = defineCall(
  'sign_in',
  v.strictObject({ assertion: v.string(), nonce: v.optional(v.string()), resource, ...signals }),
  async (caller, service, { assertion, nonce = null, resource = null, ...told }) => {
    const described = { ...caller, device: deviceOf(told) };
    const { client } = caller;
    const signedIn = await signInBy(described, service, { assertion, nonce, client, resource });
    if (!signedIn.ok) return signedIn;
    return { ok: true, value: toTokenView(signedIn.tokens), outcome: 'signed_in' };
  },
);

export const introspect = defineCall(
  'introspect',
  v.strictObject({ token: v.string() }),
  async (caller, service, { token }, grant) => {
    const found = await introspectToken(caller, grant, service, token);
    if (!found.ok) return found;
    const { introspection } = found;
    const value = toIntrospectionView(introspection, service.config.issuer);
    return introspection === null ? { ok: true, value, outcome: 'inactive' } : { ok: true, value };
  },
);

/** Of the client's own tokens, for which it needs no capability (RFC 7009). */
export const revoke = defineCall(
  null,
  v.strictObject({ token: v.string(), ...signals }),
  async (caller, service, { token, ...told }) => {
    const described = { ...caller, device: deviceOf(told) };
    const result = await revokeByToken(described, service, token);
    if (!result.ok) return result;
    const { isRevoked: revoked } = result;
    return { ok: true, value: { revoked }, outcome: revoked ? 'revoked' : 'unchanged' };
  },
);

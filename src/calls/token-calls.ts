/**
 * The calls of a client on its tokens, by other doors than HTTP, where OAuth's forms do the same.
 * The signals of the person's device are those that the caller passes; its own request tells
 * nothing.
 */
import * as v from 'valibot';
import { deviceOf, visitorOf, whyNotDescribed } from '../service/caller-signals';
import { exchangeToken } from '../service/exchange-token';
import { introspect as introspectToken, revokeByToken } from '../service/inspect-token';
import { issueTokens } from '../service/issue-tokens';
import { presentCookie, verifySessionCookie } from '../service/present-cookie';
import { refresh as refreshSession } from '../service/refresh-session';
import { invalid, refuse, SESSION_ENDED } from '../service/refusal';
import { signIn as signInBy } from '../service/sign-in';
import { parseRequestedGrant, whyNoToken } from '../service/token-grant';
import {
  cookiesNamed,
  ofAccount,
  parseSessionCookie,
  readCurrent,
  SESSION_COOKIE,
} from '../tokens/session-cookie';
import { defineCall } from './call';
import { grantParameters, signals, toGrantParameters } from './fields';
import {
  toAccessView,
  toExchangedView,
  toIntrospectionView,
  toSessionView,
  toTokenView,
} from './views';

export const refresh = defineCall(
  'refresh',
  v.strictObject({
    refresh_token: v.optional(v.string()),
    imported_token: v.optional(v.string()),
    ...grantParameters,
    ...signals,
  }),
  async (
    caller,
    service,
    { refresh_token: own, imported_token, resource, scope, ...deviceFields },
  ) => {
    const refreshToken = own ?? imported_token;
    if (refreshToken === undefined || (own && imported_token))
      return invalid('Name refresh_token or imported_token');
    const refused = whyNotDescribed(deviceFields, caller.client.id, service);
    if (refused !== null) return refused;
    const described = { ...caller, device: deviceOf(deviceFields) };
    const request = {
      refreshToken,
      isImported: own === undefined,
      clientId: caller.client.id,
      grantParameters: toGrantParameters({ resource, scope }),
    };
    const refreshed = await refreshSession(described, service, request);
    if (!refreshed.ok) return refreshed;
    return { ok: true, value: toTokenView(refreshed.tokens), outcome: refreshed.outcome };
  },
);

const idToken = v.strictObject({
  assertion: v.string(),
  nonce: v.optional(v.string()),
  ...grantParameters,
  ...signals,
});

export const signIn = (idempotencyKey: string | null) =>
  defineCall(
    'sign_in',
    idToken,
    async (caller, service, { assertion, nonce = null, resource, scope, ...deviceFields }) => {
      const described = { ...caller, device: deviceOf(deviceFields) };
      const { client } = caller;
      const input = {
        assertion,
        nonce,
        client,
        grantParameters: toGrantParameters({ resource, scope }),
        persistent: null,
        idempotencyKey,
      };
      const signedIn = await signInBy(described, service, input);
      if (!signedIn.ok) return signedIn;
      const outcome = signedIn.isRepeat ? 'repeated' : 'signed_in';
      return { ok: true, value: toTokenView(signedIn.tokens), outcome };
    },
  );

export const introspect = defineCall(
  'introspect',
  v.strictObject({ token: v.string() }),
  async (caller, service, { token }) => {
    const found = await introspectToken(caller, service, token);
    if (!found.ok) return found;
    const { introspection } = found;
    const value = toIntrospectionView(introspection, service.config.issuer);
    return introspection === null ? { ok: true, value, outcome: 'inactive' } : { ok: true, value };
  },
);

/** Exchanges a token that an API was sent for one for the next API (RFC 8693). */
export const exchange = defineCall(
  'exchange',
  v.strictObject({ subject_token: v.string(), ...grantParameters }),
  async (caller, service, { subject_token: subjectToken, ...target }) => {
    const exchanged = await exchangeToken(caller, service, subjectToken, toGrantParameters(target));
    if (!exchanged.ok) return exchanged;
    return { ok: true, value: toExchangedView(exchanged), outcome: 'exchanged' };
  },
);

const NOT_ITS = 'The session is of a client that this one may not act for';

/**
 * An access token for the cookie that a server forwards, which cannot hand a new one back: nothing
 * is rotated, so any number of requests may ask at once.
 */
export const exchangeCookie = defineCall(
  'browser_tokens',
  v.strictObject({ cookie: v.string(), ...grantParameters, ...signals }),
  async (caller, service, { cookie: header, resource, scope, ...deviceFields }, grant) => {
    const current = readCurrent(header);
    const sent = cookiesNamed(header, ofAccount(SESSION_COOKIE, current));
    if (sent.length > 1 || current < 0) return refuse({ code: 'ambiguous_cookie' });
    const cookie = parseSessionCookie(sent[0] ?? null);
    if (cookie !== null && !grant.includes(cookie.clientId))
      return refuse({ code: 'client_not_allowed', detail: NOT_ITS });
    const read = parseRequestedGrant(
      service.config,
      cookie?.clientId ?? '',
      toGrantParameters({ resource, scope }),
    );
    if (!read.ok) return read;
    const refused = whyNotDescribed(deviceFields, cookie?.clientId ?? null, service);
    if (refused !== null) return refused;
    const verified = await verifySessionCookie(cookie, service);
    if (verified === null) return SESSION_ENDED;
    const visitor = await visitorOf(deviceOf(deviceFields), service);
    const own = await presentCookie(caller, service, verified, visitor);
    if (!own.ok) return own;
    const notGranted = whyNoToken(own.session, read.requested);
    if (notGranted !== null) return notGranted;
    const tokens = await issueTokens(service, own.signer, own, read.requested);
    const value = {
      ...toAccessView(tokens),
      session: toSessionView(own.session, service.config, own.session.id),
    };
    return { ok: true, value };
  },
);

/** Revokes one of the client's own tokens, for which it needs no capability (RFC 7009). */
export const revoke = defineCall(
  null,
  v.strictObject({ token: v.string(), ...signals }),
  async (caller, service, { token, ...deviceFields }) => {
    const described = { ...caller, device: deviceOf(deviceFields) };
    const result = await revokeByToken(described, service, token);
    if (!result.ok) return result;
    const { isRevoked: revoked } = result;
    return { ok: true, value: { revoked }, outcome: revoked ? 'revoked' : 'unchanged' };
  },
);

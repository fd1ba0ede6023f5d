/** The grants of the token endpoint, each with what it takes of the form and what it answers. */
import { ACCESS_TOKEN_TYPE, toExchangedView, toTokenView } from '../../calls/views';
import type { Client } from '../../config/clients';
import { exchangeToken } from '../../service/exchange-token';
import { areImportedTaken } from '../../service/imported-session';
import type { Tokens } from '../../service/issue-tokens';
import { refresh } from '../../service/refresh-session';
import type { Service } from '../../service/service';
import { signIn } from '../../service/sign-in';
import type { GrantParameters } from '../../service/token-grant';
import type { AppContext } from '../context';
import { OAuthError } from '../errors';
import { readIdempotencyKey } from '../input';
import { toOAuthError } from '../refusals';

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
/** The token of a session that began in another system. */
export const IMPORTED_TYPE = 'urn:edge-sessions:token-type:imported-session';
export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

type Form = ReadonlyMap<string, string>;

/** RFC 6749 §6; and RFC 8693 §2.1 of an imported session, whose token is its first one. */
export async function grantByRefresh(c: AppContext, service: Service, client: Client, form: Form) {
  const isImported = form.get('grant_type') === TOKEN_EXCHANGE;
  const request = {
    refreshToken: need(form, isImported ? 'subject_token' : 'refresh_token'),
    isImported,
    clientId: client.id,
    grantParameters: toGrantParameters(form),
  };
  const refreshed = await refresh(c.get('caller'), service, request);
  if (!refreshed.ok) throw toOAuthError(refreshed.refusal);
  c.set('outcome', refreshed.outcome);
  const issued = isImported && { issued_token_type: ACCESS_TOKEN_TYPE };
  return c.json({ ...issued, ...toAppView(refreshed.tokens, form) });
}

/** RFC 8693 §2.1. The actor is the client itself. */
export async function grantByExchange(c: AppContext, service: Service, client: Client, form: Form) {
  if (form.get('subject_token_type') === IMPORTED_TYPE && areImportedTaken(service))
    return grantByRefresh(c, service, client, form);
  const requested = form.get('requested_token_type') ?? ACCESS_TOKEN_TYPE;
  if (need(form, 'subject_token_type') !== ACCESS_TOKEN_TYPE || requested !== ACCESS_TOKEN_TYPE)
    throw new OAuthError('invalid_request', 'Only access tokens are exchanged, for access tokens');
  if (form.has('actor_token') || form.has('actor_token_type'))
    throw new OAuthError('invalid_request', 'The actor is the client; there is no actor_token');
  const names = [form.get('resource'), form.get('audience')].filter((name) => name !== undefined);
  const grantParameters = {
    ...toGrantParameters(form),
    resource: names.length > 0 ? names.join(' ').split(' ') : null,
  };
  const caller = { ...c.get('caller'), client };
  const exchanged = await exchangeToken(
    caller,
    service,
    need(form, 'subject_token'),
    grantParameters,
  );
  if (!exchanged.ok) throw toOAuthError(exchanged.refusal);
  c.set('outcome', 'exchanged');
  return c.json({ ...toGrantedScope(form), ...toExchangedView(exchanged) });
}

/** RFC 7523 §2.1. */
export async function grantByAssertion(
  c: AppContext,
  service: Service,
  client: Client,
  form: Form,
) {
  const signedIn = await signIn(c.get('caller'), service, {
    assertion: need(form, 'assertion'),
    nonce: form.get('nonce') ?? null,
    grantParameters: toGrantParameters(form),
    persistent: null,
    idempotencyKey: readIdempotencyKey(c),
    client,
  });
  if (!signedIn.ok) throw toOAuthError(signedIn.refusal);
  c.set('outcome', signedIn.isRepeat ? 'repeated' : 'signed_in');
  return c.json(toAppView(signedIn.tokens, form));
}

/** RFC 6749 §5.1, with the claims, which an app does not read out of the token. */
function toAppView(tokens: Tokens, form: Form) {
  return { claims: tokens.claims, ...toGrantedScope(form), ...toTokenView(tokens) };
}

/**
 * Where a session has no scopes, the requested ones are ignored, and the answer says that none was
 * granted (RFC 6749 §3.3).
 */
function toGrantedScope(form: Form): { scope?: string } {
  return form.has('scope') ? { scope: '' } : {};
}

function toGrantParameters(form: Form): GrantParameters {
  return { resource: form.get('resource')?.split(' ') ?? null, scope: form.get('scope') ?? null };
}

export function need(form: Form, name: string): string {
  const value = form.get(name);
  if (value === undefined) throw new OAuthError('invalid_request', `${name} is missing`);
  return value;
}

/**
 * Lets operators in, and nobody else: for others no page of the console is made, and nothing is
 * asked of the service.
 */

import { getCookie, setCookie } from 'hono/cookie';
import { createMiddleware } from 'hono/factory';
import type { JWTVerifyGetKey } from 'jose';
import { type AccessTokenVerifier, createAccessTokenVerifier } from '../client/verify/verifier';
import { loginByAccess, type PlatformAccess, teamKeysOf } from './access-login';
import { type ConsoleAppEnv, type ConsoleContext, show } from './console-context';
import type { ConsoleEnv } from './console-env';
import { type ConsoleSettings, type ParsedSettings, parseSettings } from './console-settings';
import { FORM_COOKIE, isFormKey, newFormKey, toFormToken } from './form-token';
import type { Login, Rejection } from './operator';
import { NotConfigured, NotLetIn } from './refusal-pages';
import { loginBySession } from './session-login';

/**
 * The settings of one environment, and the keys that logins are checked by, as an isolate keeps
 * them.
 */
interface Gate {
  parsed: ParsedSettings;
  verifier: AccessTokenVerifier | null;
  teamKeys: JWTVerifyGetKey | null;
}
const gates = new WeakMap<ConsoleEnv, Gate>();

function gateOf(env: ConsoleEnv): Gate {
  const known = gates.get(env);
  if (known !== undefined) return known;
  const parsed = parseSettings(env);
  const login = parsed.ok ? parsed.settings.login : null;
  const { SERVICE: service } = env;
  const gate = {
    parsed,
    verifier:
      login?.by === 'session'
        ? createAccessTokenVerifier({
            issuer: login.issuer,
            audience: login.audience,
            ...(service && { fetch: (...request) => service.fetch(...request) }),
          })
        : null,
    teamKeys: login?.by === 'access' ? teamKeysOf(login) : null,
  };
  gates.set(env, gate);
  return gate;
}

const STATUSES = {
  not_signed_in: 401,
  not_an_operator: 403,
  support_staff: 403,
  stale: 401,
  unavailable: 503,
} as const satisfies Record<Rejection, number>;

export const requireOperator = createMiddleware<ConsoleAppEnv>(
  async function requireOperator(c, next) {
    const gate = gateOf(c.env);
    if (!gate.parsed.ok) return show(c, <NotConfigured mistakes={gate.parsed.mistakes} />, 503);
    const { settings } = gate.parsed;
    const proveUrl = toProveUrl(settings);
    const now = Date.now();
    const login = await findLogin(c, settings, gate, now / 1000);
    if (!login.ok) {
      console.warn(
        JSON.stringify({ level: 'warn', event: 'console_login_refused', why: login.why }),
      );
      const code = STATUSES[login.why];
      if (code === 503) c.header('Retry-After', '5');
      return show(c, <NotLetIn why={login.why} proveUrl={proveUrl} />, code);
    }
    const { operator } = login;
    c.set('operator', operator);
    c.set('settings', settings);
    c.set('viewer', {
      operator,
      mayAct: now / 1000 - operator.provedAt <= settings.actMaxAgeSeconds,
      proveUrl,
      formToken: await toFormToken(keepFormKey(c), operator.login),
      now,
      host: URL.parse(c.env.ISSUER ?? '')?.host ?? new URL(c.req.url).host,
    });
    return next();
  },
);

async function findLogin(
  c: ConsoleContext,
  { login, lookMaxAgeSeconds }: ConsoleSettings,
  { verifier, teamKeys }: Gate,
  now: number,
): Promise<Login> {
  const { raw: request } = c.req;
  if (login.by === 'session')
    return loginBySession(login, request, {
      lookMaxAgeSeconds,
      verifier: verifier as AccessTokenVerifier,
      SESSIONS: c.env.SESSIONS,
    });
  const { access: platform } = c.executionCtx as { access?: PlatformAccess };
  const verification = { platform, keys: teamKeys as JWTVerifyGetKey, now };
  const found = await loginByAccess(login, request, verification);
  const isStale = found.ok && now - found.operator.provedAt > lookMaxAgeSeconds;
  return isStale ? { ok: false, why: 'stale' } : found;
}

/** The page on which an operator proves anew who they are; Access asks after a sign-out of it. */
const toProveUrl = ({ login }: ConsoleSettings): string | null =>
  login.by === 'access' ? '/cdn-cgi/access/logout' : login.signInUrl;

/** The browser's own, made at the first page that it is shown. */
function keepFormKey(c: ConsoleContext): string {
  const own = getCookie(c, FORM_COOKIE);
  if (own !== undefined && isFormKey(own)) return own;
  const key = newFormKey();
  setCookie(c, FORM_COOKIE, key, { path: '/', secure: true, httpOnly: true, sameSite: 'Lax' });
  return key;
}

/** The console's settings, checked at once: what is wrong with them its only page then says. */
import type { ConsoleEnv } from './console-env';

export interface ConsoleSettings {
  login: AccessSettings | SessionSettings;
  /** Seconds since operators proved who they are, to look; and, fewer, to act. */
  lookMaxAgeSeconds: number;
  actMaxAgeSeconds: number;
}

/** Operators come through Cloudflare Access, whose policies say who may. */
export interface AccessSettings {
  by: 'access';
  /** `https://<team>.cloudflareaccess.com` */
  issuer: string;
  audience: string;
}

/** Operators come with a session of the service itself. */
export interface SessionSettings {
  by: 'session';
  issuer: string;
  audience: string;
  operators: ReadonlySet<string>;
  /** Empty: any. */
  acr: string[];
  signInUrl: string | null;
}

const DEFAULTS = { lookMaxAgeSeconds: 12 * 3600, actMaxAgeSeconds: 15 * 60 };

export type ParsedSettings =
  | { ok: true; settings: ConsoleSettings }
  /** The mistakes, each in a sentence that says what to set. */
  | { ok: false; mistakes: string[] };

export function parseSettings(env: ConsoleEnv): ParsedSettings {
  const mistakes: string[] = [];
  const problem = (text: string) => {
    mistakes.push(text);
  };
  const lookMaxAgeSeconds = parseSeconds(env, 'LOOK_MAX_AGE_SECONDS', problem);
  const actMaxAgeSeconds = parseSeconds(env, 'ACT_MAX_AGE_SECONDS', problem);
  const seconds = {
    lookMaxAgeSeconds: lookMaxAgeSeconds ?? DEFAULTS.lookMaxAgeSeconds,
    actMaxAgeSeconds: actMaxAgeSeconds ?? DEFAULTS.actMaxAgeSeconds,
  };
  if (seconds.actMaxAgeSeconds > seconds.lookMaxAgeSeconds)
    problem('ACT_MAX_AGE_SECONDS must not be longer than LOOK_MAX_AGE_SECONDS');
  const login = parseLogin(env, problem);
  return login === null || mistakes.length > 0
    ? { ok: false, mistakes }
    : { ok: true, settings: { login, ...seconds } };
}

type Problem = (text: string) => void;

/**
 * Parses the one login; null: there is none. Two are a mistake, because nobody could tell whether
 * both are asked for or either will do.
 */
function parseLogin(env: ConsoleEnv, problem: Problem): ConsoleSettings['login'] | null {
  const isByAccess = Boolean(env.ACCESS_TEAM || env.ACCESS_AUD);
  const isBySession = toList(env.OPERATORS).length > 0;
  if (isByAccess === isBySession) {
    problem(
      isByAccess
        ? 'Set ACCESS_TEAM and ACCESS_AUD, or OPERATORS, and not both'
        : 'Set ACCESS_TEAM and ACCESS_AUD, for operators who come through Cloudflare Access; or ISSUER, AUDIENCE and OPERATORS, for operators with a session of the service',
    );
    return null;
  }
  return isByAccess ? parseAccess(env, problem) : parseSession(env, problem);
}

function parseAccess(
  { ACCESS_TEAM: team = '', ACCESS_AUD: audience = '' }: ConsoleEnv,
  problem: Problem,
): AccessSettings {
  const url = URL.parse(team);
  if (url?.protocol !== 'https:' || url.origin !== team)
    problem('ACCESS_TEAM must be the origin of your team, https://<team>.cloudflareaccess.com');
  if (audience === '') problem('ACCESS_AUD must be the audience tag of the Access application');
  return { by: 'access', issuer: team, audience };
}

function parseSession(env: ConsoleEnv, problem: Problem): SessionSettings {
  const { ISSUER: issuer = '', AUDIENCE: audience = '', SIGN_IN_URL: signInUrl } = env;
  if (URL.parse(issuer) === null) problem('ISSUER must be the URL of the service');
  if (audience === '') problem('AUDIENCE must be one of the service’s');
  if (signInUrl && URL.parse(signInUrl, issuer || undefined) === null)
    problem('SIGN_IN_URL must be a URL, or a path of this host');
  return {
    by: 'session',
    issuer,
    audience,
    operators: new Set(toList(env.OPERATORS).map((id) => id.toLowerCase())),
    acr: toList(env.OPERATOR_ACR),
    signInUrl: signInUrl || null,
  };
}

/** null: it is not set. */
function parseSeconds(
  env: ConsoleEnv,
  name: 'LOOK_MAX_AGE_SECONDS' | 'ACT_MAX_AGE_SECONDS',
  problem: Problem,
): number | null {
  const text = String(env[name] ?? '');
  if (text === '') return null;
  if (!/^[1-9]\d{0,6}$/.test(text))
    problem(`${name} must be a whole number of seconds, at least 1`);
  return Number(text);
}

const toList = (value: string | readonly string[] | undefined): string[] =>
  (typeof value === 'string' ? value.split(/[\s,]+/) : [...(value ?? [])]).filter(Boolean);

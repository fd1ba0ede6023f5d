/**
 * The only reader of environment variables. Reads all of them, and says all that is wrong at once.
 */

import type { Env } from '../env';
import { ConfigError } from '../faults';
import { isLocalHost, isTrustworthy } from '../origins';
import { type Audiences, parseAudiences } from './audiences';
import { type Brand, parseBrand } from './brand';
import type { KnownClients } from './clients';
import { type HomeConfig, parseHomes } from './homes';
import { type PageTexts, parsePageTexts } from './page-texts';
import { parseClients } from './parse-clients';
import { ADDRESS_STORAGES, RISK_POLICIES, type RiskConfig } from './risk';
import { findSharedSecrets } from './secrets-apart';
import {
  LIMIT_POLICIES,
  longestConfiguredTtl,
  longestTokenTtlSeconds,
  RANGES,
  type SessionPolicies,
  type SessionPolicy,
  zeroToNull,
} from './session-policy';
import {
  KEY_STALE_SECONDS,
  knownEverywhereSeconds,
  SIGNING_ALGS,
  type SigningKeyPolicy,
} from './signing-key-policy';
import { findStrangers, parseTrustedIssuers, type TrustedIssuer } from './trusted-issuers';
import { parseWebhooks, type Webhook } from './webhooks';

export interface Config extends Audiences, KnownClients, PageTexts {
  issuer: string;
  /** The path of the issuer without a trailing slash; '' at the root. */
  basePath: string;
  sessions: SessionPolicies;
  signingKeys: SigningKeyPolicy;
  /** How long a revocation list may be cached. */
  revocationListMaxAgeSeconds: number;
  /** Ending other sessions asks for an authentication no older than this; null: any. */
  reauthenticateToRevokeSeconds: number | null;
  cleanupRetentionSeconds: number;
  /**
   * What browsers are bound to https for: this host, those below it too, or not by this service.
   */
  hsts: 'host' | 'subdomains' | 'off';
  risk: RiskConfig;
  webhooks: readonly Webhook[];
  trustedIssuers: ReadonlyMap<string, TrustedIssuer>;
  brand: Brand;
  /** `DB` first. */
  homes: ReadonlyMap<string, HomeConfig>;
  sessionSecret: string;
  previousSessionSecret: string | null;
  /** Set when the previous secret has leaked: when its tokens end. null: it has not. */
  previousSecretEndsAt: Date | null;
  d1TimeoutMs: number;
}

/** How far clocks may differ, which is what a verifier tolerates by default (client/verify). */
export const CLOCK_SKEW_SECONDS = 60;

/**
 * For how long an access token of any client may be accepted anywhere, in seconds since it was
 * issued: beyond its life by what a verifier tolerates, and by as much again where its clock is
 * behind.
 */
export function tokenLifeSeconds({ sessions }: Pick<Config, 'sessions'>): number {
  return longestTokenTtlSeconds(sessions) + 2 * CLOCK_SKEW_SECONDS;
}

const DAY = 86_400;

/** Reads the configuration. Throws `ConfigError` with every mistake named. */
export function parseConfig(env: Env): Config {
  const mistakes: string[] = [];

  const wholeNumber = (name: keyof Env, fallback: number, least: number, most: number): number => {
    const text = env[name] as string | undefined;
    if (text === undefined || text === '') return fallback;
    const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    mistakes.push(`${name} must be a whole number from ${least} to ${most}`);
    return fallback;
  };
  const oneOf = <T extends string>(name: keyof Env, choices: readonly [T, ...T[]]): T => {
    const text = env[name] as string | undefined;
    if (text === undefined || text === '') return choices[0];
    const choice = choices.find((candidate) => candidate === text);
    if (choice === undefined) mistakes.push(`${name} must be one of ${choices.join(', ')}`);
    return choice ?? choices[0];
  };

  const issuer = parseIssuer(env.ISSUER, mistakes);
  const audiences = parseAudiences(env.AUDIENCE, env.ACCOUNT_AUDIENCE, mistakes);
  if (env.SESSION_SECRET && env.SESSION_SECRET === env.SESSION_SECRET_PREVIOUS)
    mistakes.push('SESSION_SECRET_PREVIOUS must be another secret than SESSION_SECRET');

  const riskPolicy = oneOf('RISK_POLICY', RISK_POLICIES);
  const byDefault: SessionPolicy = {
    graceSeconds: wholeNumber('REFRESH_GRACE_SECONDS', 30, ...RANGES.grace),
    inactivitySeconds: zeroToNull(
      wholeNumber('INACTIVITY_TIMEOUT_SECONDS', 14 * DAY, ...RANGES.inactivity),
    ),
    lifetimeSeconds: zeroToNull(
      wholeNumber('SESSION_LIFETIME_SECONDS', 30 * DAY, ...RANGES.lifetime),
    ),
    accessTokenTtlSeconds: wholeNumber('ACCESS_TOKEN_TTL_SECONDS', 300, ...RANGES.accessTokenTtl),
    maxSessionsPerUser: zeroToNull(
      wholeNumber('MAX_SESSIONS_PER_USER', 100, ...RANGES.maxSessionsPerUser),
    ),
    limitPolicy: oneOf('SESSION_LIMIT_POLICY', LIMIT_POLICIES),
    countedClient: null,
    isPersistent: true,
  };
  const defaults = { riskPolicy, sessions: byDefault, audiences };
  const { policies, ...known } = parseClients(env.CLIENTS, defaults, mistakes);
  const sessions = { byDefault, byClient: policies };
  const config: Config = {
    issuer: issuer.href,
    basePath: issuer.path,
    ...audiences,
    sessions,
    signingKeys: {
      alg: oneOf('ACCESS_TOKEN_ALG', SIGNING_ALGS),
      lifetimeSeconds: wholeNumber('SIGNING_KEY_LIFETIME_SECONDS', 30 * DAY, 60, 3650 * DAY),
      publishAheadSeconds: wholeNumber('SIGNING_KEY_PUBLISH_AHEAD_SECONDS', DAY, 0, 365 * DAY),
      retireSeconds: wholeNumber(
        'SIGNING_KEY_RETIRE_SECONDS',
        longestTokenTtlSeconds(sessions) + CLOCK_SKEW_SECONDS,
        0,
        365 * DAY,
      ),
      jwksMaxAgeSeconds: wholeNumber('JWKS_MAX_AGE_SECONDS', 300, 0, DAY),
    },
    revocationListMaxAgeSeconds: wholeNumber('REVOCATION_LIST_MAX_AGE_SECONDS', 10, 0, 300),
    reauthenticateToRevokeSeconds: zeroToNull(
      wholeNumber('REAUTHENTICATE_TO_REVOKE_SECONDS', 0, 0, 365 * DAY),
    ),
    hsts: oneOf('HSTS', ['host', 'subdomains', 'off']),
    cleanupRetentionSeconds: wholeNumber('CLEANUP_RETENTION_SECONDS', 7 * DAY, 0, 3650 * DAY),
    risk: {
      policy: riskPolicy,
      lostAnswerSeconds: wholeNumber('LOST_ANSWER_SECONDS', DAY, 0, 30 * DAY),
      addressStorage: oneOf('ADDRESS_STORAGE', ADDRESS_STORAGES),
      eventRetentionSeconds: wholeNumber('EVENT_RETENTION_SECONDS', 90 * DAY, 0, 3650 * DAY),
    },
    webhooks: parseWebhooks(env.WEBHOOKS, mistakes),
    ...known,
    trustedIssuers: parseTrustedIssuers(env.TRUSTED_ISSUERS, mistakes),
    brand: parseBrand(env, mistakes),
    ...parsePageTexts(env, mistakes),
    homes: parseHomes(env.HOMES, env, mistakes),
    sessionSecret: parseSecret('SESSION_SECRET', env.SESSION_SECRET, mistakes) ?? '',
    previousSessionSecret: env.SESSION_SECRET_PREVIOUS
      ? parseSecret('SESSION_SECRET_PREVIOUS', env.SESSION_SECRET_PREVIOUS, mistakes)
      : null,
    previousSecretEndsAt: parseMoment(
      'SESSION_SECRET_PREVIOUS_ENDS_AT',
      env.SESSION_SECRET_PREVIOUS_ENDS_AT,
      mistakes,
    ),
    d1TimeoutMs: wholeNumber('D1_TIMEOUT_MS', 5_000, 50, 30_000),
  };

  mistakes.push(...findSharedSecrets(config), ...findStrangers(config));
  const { publishAheadSeconds, retireSeconds, lifetimeSeconds } = config.signingKeys;
  const knownEverywhere = knownEverywhereSeconds(config.signingKeys);
  if (publishAheadSeconds < knownEverywhere) {
    mistakes.push(
      `SIGNING_KEY_PUBLISH_AHEAD_SECONDS must be at least ${knownEverywhere} (JWKS_MAX_AGE_SECONDS + ${KEY_STALE_SECONDS})`,
    );
  }
  const tokenTtl = longestConfiguredTtl(config.sessions, config.clients.keys());
  if (config.cleanupRetentionSeconds < tokenTtl.seconds + 2 * CLOCK_SKEW_SECONDS) {
    // Rows that are gone are in no revocation list.
    mistakes.push(
      `CLEANUP_RETENTION_SECONDS must be at least ${tokenTtl.name} + ${2 * CLOCK_SKEW_SECONDS}`,
    );
  }
  if (retireSeconds < tokenTtl.seconds + CLOCK_SKEW_SECONDS) {
    mistakes.push(
      `SIGNING_KEY_RETIRE_SECONDS must be at least ${tokenTtl.name} + ${CLOCK_SKEW_SECONDS}`,
    );
  }
  if (lifetimeSeconds <= publishAheadSeconds) {
    mistakes.push(
      'SIGNING_KEY_LIFETIME_SECONDS must be more than SIGNING_KEY_PUBLISH_AHEAD_SECONDS',
    );
  }
  if (config.previousSecretEndsAt !== null && config.previousSessionSecret === null)
    mistakes.push(
      'SESSION_SECRET_PREVIOUS_ENDS_AT is for a SESSION_SECRET_PREVIOUS, which is missing',
    );
  const ofClients = new Set([...config.refusedClients.values()].flat());
  // A client's own mistake refuses that client alone; on a developer's machine it is told at once.
  const isLocal = isLocalHost(URL.parse(issuer.href)?.hostname ?? '');
  if (mistakes.length > 0 || (isLocal && ofClients.size > 0))
    throw new ConfigError([...mistakes, ...ofClients]);
  return config;
}

/** RFC 8414 §2: https, no query, no fragment. Plain http is for localhost. */
function parseIssuer(text: string | undefined, mistakes: string[]): { href: string; path: string } {
  const url = text ? URL.parse(text) : null;
  if (url === null) {
    mistakes.push(
      'ISSUER is missing or no URL: the public URL of this Worker, for example https://auth.example.com',
    );
    return { href: '', path: '' };
  }
  if (!isTrustworthy(url)) mistakes.push('ISSUER must be an https URL (http only on localhost)');
  if (url.search || url.hash || url.username || url.password)
    mistakes.push('ISSUER must have no query, fragment or credentials');
  const path = url.pathname.replace(/\/+$/, '');
  return { href: url.origin + path, path };
}

function parseMoment(name: string, text: string | undefined, mistakes: string[]): Date | null {
  if (!text) return null;
  const moment = new Date(text);
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z$/.test(text) && !Number.isNaN(moment.getTime()))
    return moment;
  mistakes.push(`${name} must be a time in UTC, for example 2026-01-31T12:00:00Z`);
  return null;
}

function parseSecret(name: string, secret: string | undefined, mistakes: string[]): string | null {
  if (!secret) {
    mistakes.push(
      `${name} is missing: make one with \`openssl rand -base64 32\` and set it with \`wrangler secret put ${name}\``,
    );
    return null;
  }
  if (secret.length < 32 || new Set(secret).size < 10) {
    mistakes.push(
      `${name} is too weak: it must be at least 32 random characters, for example from \`openssl rand -base64 32\``,
    );
  }
  return secret;
}

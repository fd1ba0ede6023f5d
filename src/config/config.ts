/**
 * Reads all environment variables, which nothing else does, and says all that is wrong at once.
 * Most have a file of this folder that says what they may be.
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
import { findKeyContradictions, parseSigningKeyPolicy } from './parse-signing-keys';
import { parseRisk, type RiskConfig } from './risk';
import { findSharedSecrets } from './secrets-apart';
import {
  longestConfiguredTtl,
  parseSessionPolicy,
  type SessionPolicies,
  zeroToNull,
} from './session-policy';
import { readSettings } from './setting-reader';
import type { SigningKeyPolicy } from './signing-key-policy';
import { CLOCK_SKEW_SECONDS } from './token-life';
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
   * The hosts that browsers are bound to https for: this one, those below it too, or none by this
   * service.
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
  /** Statements that D1 runs for one invocation. */
  queriesPerInvocation: number;
  /** Until when the tokens of imported sessions are accepted; null: none are. */
  importedSessionsUntil: Date | null;
}

const DAY = 86_400;

/** Reads the configuration. Throws `ConfigError` with every mistake named. */
export function parseConfig(env: Env): Config {
  const mistakes: string[] = [];
  const settings = readSettings(env, mistakes);
  const { wholeNumber, oneOf } = settings;
  const issuer = parseIssuer(env.ISSUER, mistakes);
  const audiences = parseAudiences(env.AUDIENCE, env.ACCOUNT_AUDIENCE, mistakes);
  const risk = parseRisk(settings);
  const byDefault = parseSessionPolicy(settings);
  const defaults = { riskPolicy: risk.policy, sessions: byDefault, audiences };
  const { policies, ...known } = parseClients(env, defaults, mistakes);
  const sessions = { byDefault, byClient: policies };
  const config: Config = {
    issuer: issuer.href,
    basePath: issuer.path,
    ...audiences,
    sessions,
    signingKeys: parseSigningKeyPolicy(settings, sessions),
    revocationListMaxAgeSeconds: wholeNumber('REVOCATION_LIST_MAX_AGE_SECONDS', {
      byDefault: 10,
      range: [0, 300],
    }),
    reauthenticateToRevokeSeconds: zeroToNull(
      wholeNumber('REAUTHENTICATE_TO_REVOKE_SECONDS', { byDefault: 0, range: [0, 365 * DAY] }),
    ),
    hsts: oneOf('HSTS', ['host', 'subdomains', 'off']),
    cleanupRetentionSeconds: wholeNumber('CLEANUP_RETENTION_SECONDS', {
      byDefault: 7 * DAY,
      range: [0, 3650 * DAY],
    }),
    risk,
    webhooks: parseWebhooks(env.WEBHOOKS, mistakes),
    ...known,
    trustedIssuers: parseTrustedIssuers(env.TRUSTED_ISSUERS, mistakes),
    brand: parseBrand(env, mistakes),
    ...parsePageTexts(env, mistakes),
    homes: parseHomes(env.HOMES, env, mistakes),
    sessionSecret: settings.secret('SESSION_SECRET') ?? '',
    previousSessionSecret: env.SESSION_SECRET_PREVIOUS
      ? settings.secret('SESSION_SECRET_PREVIOUS')
      : null,
    previousSecretEndsAt: settings.moment('SESSION_SECRET_PREVIOUS_ENDS_AT'),
    queriesPerInvocation: wholeNumber('QUERIES_PER_INVOCATION', {
      byDefault: 1_000,
      range: [50, 10_000],
    }),
    d1TimeoutMs: wholeNumber('D1_TIMEOUT_MS', { byDefault: 5_000, range: [50, 30_000] }),
    importedSessionsUntil: settings.moment('IMPORTED_SESSIONS_UNTIL'),
  };
  mistakes.push(...findContradictions(config));
  const ofClients = new Set([...config.refusedClients.values()].flat());
  // A client's own mistake refuses that client alone; on a developer's machine it is told at once.
  const isLocal = isLocalHost(URL.parse(issuer.href)?.hostname ?? '');
  if (mistakes.length > 0 || (isLocal && ofClients.size > 0))
    throw new ConfigError([...mistakes, ...ofClients]);
  return config;
}

/** Finds settings that are fine by themselves, but must not be together. */
function findContradictions(config: Config): string[] {
  const mistakes = [...findSharedSecrets(config), ...findStrangers(config)];
  if (config.sessionSecret !== '' && config.sessionSecret === config.previousSessionSecret)
    mistakes.push('SESSION_SECRET_PREVIOUS must be another secret than SESSION_SECRET');
  if (config.previousSecretEndsAt !== null && config.previousSessionSecret === null)
    mistakes.push(
      'SESSION_SECRET_PREVIOUS_ENDS_AT is for a SESSION_SECRET_PREVIOUS, which is missing',
    );
  const tokenTtl = longestConfiguredTtl(config.sessions, config.clients.keys());
  // Rows that are gone are in no revocation list.
  if (config.cleanupRetentionSeconds < tokenTtl.seconds + 2 * CLOCK_SKEW_SECONDS)
    mistakes.push(
      `CLEANUP_RETENTION_SECONDS must be at least ${tokenTtl.name} + ${2 * CLOCK_SKEW_SECONDS}`,
    );
  return [...mistakes, ...findKeyContradictions(config.signingKeys, tokenTtl)];
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

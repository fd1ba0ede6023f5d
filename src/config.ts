/**
 * The only reader of environment variables. Reads all of them, and says all that is wrong at once.
 */
import * as v from 'valibot';
import type { Env } from './env';
import { ConfigError } from './errors';
import { isOrigin, isTrustworthy, parseReturnUrl } from './origins';

export type SigningAlg = 'EdDSA' | 'ES256';

/** Where D1 databases can be: its location hints. */
export const REGIONS = ['wnam', 'enam', 'weur', 'eeur', 'apac', 'oc'] as const;
export type Region = (typeof REGIONS)[number];

/** Where the law wants the data to be, as D1 knows it. */
export const JURISDICTIONS = ['eu', 'fedramp', 'us'] as const;

/** Who begins in a home: whoever is near, whom a backend names it for, or nobody, because it is being drained. */
const NEW_USERS = ['any', 'named', 'none'] as const;

/** A database that sessions live in. */
export interface HomeConfig {
  /** The name of the binding. Tokens carry it. */
  name: string;
  binding: D1Database;
  regions: readonly Region[];
  jurisdiction: (typeof JURISDICTIONS)[number] | null;
  newUsers: (typeof NEW_USERS)[number];
}

/** What a client may be allowed to do. */
export const CAPABILITIES = [
  'refresh',
  'create_sessions',
  'manage_users',
  'introspect',
  'browser_tokens',
  'sign_in',
  'operate',
] as const;
export type Capability = (typeof CAPABILITIES)[number];
/** What a confidential client may do unless it says. */
const DEFAULT_CAPABILITIES = CAPABILITIES.filter((capability) => capability !== 'operate' && capability !== 'sign_in');
/** What a client without a secret can be allowed to do. */
const PUBLIC_CAPABILITIES: readonly Capability[] = ['refresh', 'sign_in'];

/** What a deployment, or a client, does about a refresh that looks like someone else's. */
const RISK_POLICIES = ['log', 'notify', 'reauthenticate', 'revoke'] as const;
export type RiskPolicy = (typeof RISK_POLICIES)[number];

/** What is stored of an address: all of it, its network, or a keyed hash that only tells whether two are the same. */
const ADDRESS_STORAGES = ['full', 'network', 'hash'] as const;
export type AddressStorage = (typeof ADDRESS_STORAGES)[number];

/** What the security log tells of. */
export const EVENT_TYPES = [
  'session_created',
  /** The user had sessions, but none on such a device. */
  'new_device',
  /** Refreshed from another network, or otherwise a little different. */
  'context_changed',
  /** Refreshed, although the caller looks like someone else. */
  'mismatch',
  /** A superseded token was refreshed late, by whoever had superseded it: the answer had been lost. */
  'answer_recovered',
  /** The person proved anew who they are (step-up). */
  'authenticated',
  'reauthentication_demanded',
  'reuse_detected',
  'session_evicted',
  'session_revoked',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

export interface Client {
  id: string;
  /** SHA-256 (base64url) of each accepted secret; empty for a public client (RFC 6749 §2.1). */
  secretHashes: readonly string[];
  allow: ReadonlySet<Capability>;
  riskPolicy: RiskPolicy;
  /** Origins of the app's pages. A client with any is a browser client: its sessions may live in cookies. */
  origins: readonly string[];
  /** Where a browser may be sent after it was given its cookies; see origins.ts. */
  returnUrls: readonly string[];
  /** The browser clients whose cookies this backend may exchange for access tokens: itself, and those it lists. */
  browserClients: ReadonlySet<string>;
}

/** How long sessions live, and how many a user may have. */
export interface SessionPolicy {
  /** How long a superseded refresh token stays good. 0 is strict rotation. */
  graceSeconds: number;
  /** A session that was not refreshed for this long has ended; null: never. */
  inactivitySeconds: number | null;
  /** A session ends this long after its creation, whatever happens; null: never. */
  lifetimeSeconds: number | null;
  /** Active sessions a user may have; null: any number. */
  maxSessionsPerUser: number | null;
  limitPolicy: 'evict_oldest' | 'reject';
}

/** Whether a refresh is whose session it is. */
export interface RiskConfig {
  /** For clients that say nothing else. */
  policy: RiskPolicy;
  /** How long after a rotation its caller may still come for the lost answer; 0: only within the grace period. */
  lostAnswerSeconds: number;
  addressStorage: AddressStorage;
  eventRetentionSeconds: number;
}

/** Who is told of which events (Standard Webhooks). */
export interface Webhook {
  name: string;
  url: string;
  /** Signs what is sent; two while one replaces the other. */
  secrets: readonly Uint8Array[];
  events: ReadonlySet<EventType>;
  /** `json`, or only session revocations, each as a Security Event Token (RFC 8417). */
  format: 'json' | 'set';
}

/** How the pages for people look. */
export interface Brand {
  name: string;
  logoUrl: URL | null;
  /** `#rrggbb` */
  color: string;
}

/** An OpenID provider whose ID tokens start sessions. */
export interface TrustedIssuer {
  /** Exactly as in its tokens' `iss`. */
  issuer: string;
  /** What its tokens' `aud` has to hold one of: the client ids that it knows your apps by. */
  audiences: readonly string[];
  algorithms: readonly string[];
  /** How old an ID token may be. */
  maxAgeSeconds: number;
  /** null: found by discovery. */
  jwksUri: string | null;
  /** The clients that may bring its tokens; null: all with `sign_in`. */
  clients: ReadonlySet<string> | null;
}

/** When signing keys are made, and how long they stay. */
export interface SigningKeyPolicy {
  alg: SigningAlg;
  /** A key signs for this long. */
  lifetimeSeconds: number;
  /** A key is in the JWKS for this long before it signs. */
  publishAheadSeconds: number;
  /** A key stays in the JWKS for this long after it signed last. */
  retireSeconds: number;
  /** How long a verifier may keep the JWKS. */
  jwksMaxAgeSeconds: number;
}

export interface Config {
  issuer: string;
  /** The path of the issuer without a trailing slash; '' at the root. */
  basePath: string;
  audience: string;
  accessTokenTtlSeconds: number;
  sessions: SessionPolicy;
  signingKeys: SigningKeyPolicy;
  /** How long a revocation list may be cached. */
  revocationListMaxAgeSeconds: number;
  /** Ending other sessions asks for an authentication no older than this; null: any. */
  reauthenticateToRevokeSeconds: number | null;
  cleanupRetentionSeconds: number;
  risk: RiskConfig;
  webhooks: readonly Webhook[];
  clients: ReadonlyMap<string, Client>;
  trustedIssuers: ReadonlyMap<string, TrustedIssuer>;
  brand: Brand;
  /** `DB` first. */
  homes: ReadonlyMap<string, HomeConfig>;
  sessionSecret: string;
  previousSessionSecret: string | null;
  d1TimeoutMs: number;
}

/** How long an isolate keeps what it read of the signing keys. */
export const KEY_CACHE_SECONDS = 300;
/** How far clocks may differ. */
export const CLOCK_SKEW_SECONDS = 60;

const DAY = 86_400;

const clientsSchema = v.array(
  v.strictObject({
    client_id: v.pipe(
      v.string(),
      v.regex(/^[\x21-\x7e]{1,128}$/, 'client_id must be 1 to 128 printable ASCII characters'),
    ),
    secret_sha256: v.optional(
      v.union([
        v.pipe(
          v.string(),
          v.transform((hash) => [hash]),
        ),
        v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(2)),
      ]),
    ),
    allow: v.optional(v.array(v.picklist(CAPABILITIES))),
    risk_policy: v.optional(v.picklist(RISK_POLICIES)),
    origins: v.optional(
      v.array(v.pipe(v.string(), v.check(isOrigin, 'must be an origin like https://app.example, as browsers send it'))),
      [],
    ),
    return_urls: v.optional(
      v.array(
        v.pipe(
          v.string(),
          v.check(
            (text) => parseReturnUrl(text)?.search === '',
            'must be an https URL in its normal form, without credentials, query and fragment',
          ),
        ),
      ),
      [],
    ),
    browser_clients: v.optional(v.array(v.string()), []),
  }),
);

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
  const orNull = (seconds: number) => (seconds === 0 ? null : seconds);

  const issuer = parseIssuer(env.ISSUER, mistakes);
  if (!env.AUDIENCE)
    mistakes.push('AUDIENCE is missing: who accepts the access tokens, for example https://api.example.com');

  const riskPolicy = oneOf('RISK_POLICY', RISK_POLICIES);
  const accessTokenTtlSeconds = wholeNumber('ACCESS_TOKEN_TTL_SECONDS', 300, 1, DAY);
  const config: Config = {
    issuer: issuer.href,
    basePath: issuer.path,
    audience: env.AUDIENCE ?? '',
    accessTokenTtlSeconds,
    sessions: {
      graceSeconds: wholeNumber('REFRESH_GRACE_SECONDS', 30, 0, 600),
      inactivitySeconds: orNull(wholeNumber('INACTIVITY_TIMEOUT_SECONDS', 14 * DAY, 0, 10_000 * DAY)),
      lifetimeSeconds: orNull(wholeNumber('SESSION_LIFETIME_SECONDS', 30 * DAY, 0, 10_000 * DAY)),
      maxSessionsPerUser: orNull(wholeNumber('MAX_SESSIONS_PER_USER', 0, 0, 10_000)),
      limitPolicy: oneOf('SESSION_LIMIT_POLICY', ['evict_oldest', 'reject']),
    },
    signingKeys: {
      alg: oneOf('ACCESS_TOKEN_ALG', ['EdDSA', 'ES256']),
      lifetimeSeconds: wholeNumber('SIGNING_KEY_LIFETIME_SECONDS', 30 * DAY, 60, 3650 * DAY),
      publishAheadSeconds: wholeNumber('SIGNING_KEY_PUBLISH_AHEAD_SECONDS', DAY, 0, 365 * DAY),
      retireSeconds: wholeNumber(
        'SIGNING_KEY_RETIRE_SECONDS',
        accessTokenTtlSeconds + CLOCK_SKEW_SECONDS,
        0,
        365 * DAY,
      ),
      jwksMaxAgeSeconds: wholeNumber('JWKS_MAX_AGE_SECONDS', 300, 0, DAY),
    },
    revocationListMaxAgeSeconds: wholeNumber('REVOCATION_LIST_MAX_AGE_SECONDS', 10, 0, 300),
    reauthenticateToRevokeSeconds: orNull(wholeNumber('REAUTHENTICATE_TO_REVOKE_SECONDS', 0, 0, 365 * DAY)),
    cleanupRetentionSeconds: wholeNumber('CLEANUP_RETENTION_SECONDS', 7 * DAY, 0, 3650 * DAY),
    risk: {
      policy: riskPolicy,
      lostAnswerSeconds: wholeNumber('LOST_ANSWER_SECONDS', DAY, 0, 30 * DAY),
      addressStorage: oneOf('ADDRESS_STORAGE', ADDRESS_STORAGES),
      eventRetentionSeconds: wholeNumber('EVENT_RETENTION_SECONDS', 90 * DAY, 0, 3650 * DAY),
    },
    webhooks: parseWebhooks(env.WEBHOOKS, mistakes),
    clients: parseClients(env.CLIENTS, riskPolicy, mistakes),
    trustedIssuers: parseTrustedIssuers(env.TRUSTED_ISSUERS, mistakes),
    brand: parseBrand(env, mistakes),
    homes: parseHomes(env, mistakes),
    sessionSecret: parseSecret('SESSION_SECRET', env.SESSION_SECRET, mistakes) ?? '',
    previousSessionSecret: env.SESSION_SECRET_PREVIOUS
      ? parseSecret('SESSION_SECRET_PREVIOUS', env.SESSION_SECRET_PREVIOUS, mistakes)
      : null,
    d1TimeoutMs: wholeNumber('D1_TIMEOUT_MS', 5_000, 50, 30_000),
  };

  const { publishAheadSeconds, retireSeconds, lifetimeSeconds, jwksMaxAgeSeconds } = config.signingKeys;
  // A verifier may hold a JWKS that an isolate took from its own cache: both ages add up before a new key is known to all.
  const knownEverywhere = jwksMaxAgeSeconds + KEY_CACHE_SECONDS;
  if (publishAheadSeconds < knownEverywhere) {
    mistakes.push(
      `SIGNING_KEY_PUBLISH_AHEAD_SECONDS must be at least ${knownEverywhere} (JWKS_MAX_AGE_SECONDS + ${KEY_CACHE_SECONDS})`,
    );
  }
  if (config.cleanupRetentionSeconds < accessTokenTtlSeconds + CLOCK_SKEW_SECONDS) {
    // Rows that are gone are in no revocation list.
    mistakes.push(`CLEANUP_RETENTION_SECONDS must be at least ACCESS_TOKEN_TTL_SECONDS + ${CLOCK_SKEW_SECONDS}`);
  }
  if (retireSeconds < accessTokenTtlSeconds + CLOCK_SKEW_SECONDS) {
    mistakes.push(`SIGNING_KEY_RETIRE_SECONDS must be at least ACCESS_TOKEN_TTL_SECONDS + ${CLOCK_SKEW_SECONDS}`);
  }
  if (lifetimeSeconds <= publishAheadSeconds) {
    mistakes.push('SIGNING_KEY_LIFETIME_SECONDS must be more than SIGNING_KEY_PUBLISH_AHEAD_SECONDS');
  }
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  return config;
}

/** RFC 8414 §2: https, no query, no fragment. Plain http is for localhost. */
function parseIssuer(text: string | undefined, mistakes: string[]): { href: string; path: string } {
  const url = text ? URL.parse(text) : null;
  if (url === null) {
    mistakes.push('ISSUER is missing or no URL: the public URL of this Worker, for example https://auth.example.com');
    return { href: '', path: '' };
  }
  if (!isTrustworthy(url)) mistakes.push('ISSUER must be an https URL (http only on localhost)');
  if (url.search || url.hash || url.username || url.password)
    mistakes.push('ISSUER must have no query, fragment or credentials');
  const path = url.pathname.replace(/\/+$/, '');
  return { href: url.origin + path, path };
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

function parseClients(
  text: string | undefined,
  defaultPolicy: RiskPolicy,
  mistakes: string[],
): ReadonlyMap<string, Client> {
  const clients = new Map<string, Client>();
  const entries = parseList('CLIENTS', clientsSchema, text, mistakes);
  for (const { client_id, secret_sha256 = [], allow, risk_policy, origins, return_urls, browser_clients } of entries) {
    const secretHashes = secret_sha256.map((hash) => toBase64url(hash));
    const isPublic = secretHashes.length === 0;
    if (clients.has(client_id)) mistakes.push(`CLIENTS: ${client_id} is there twice`);
    if (secretHashes.includes(null))
      mistakes.push(`CLIENTS: ${client_id}: secret_sha256 must be a SHA-256 in hex or base64url`);
    if (isPublic && allow?.some((capability) => !PUBLIC_CAPABILITIES.includes(capability))) {
      mistakes.push(
        `CLIENTS: ${client_id}: a client without secret_sha256 is public, so all it may be allowed is ${PUBLIC_CAPABILITIES.join(', ')}`,
      );
    }
    const isBrowserClient = origins.length > 0;
    if (return_urls.length > 0 && !isBrowserClient)
      mistakes.push(`CLIENTS: ${client_id}: return_urls is for clients with origins`);
    if (isBrowserClient && allow?.includes('refresh') === false)
      mistakes.push(`CLIENTS: ${client_id}: a client with origins must be allowed to refresh`);
    if (isPublic && browser_clients.length > 0)
      mistakes.push(`CLIENTS: ${client_id}: browser_clients is for clients with secret_sha256`);
    clients.set(client_id, {
      id: client_id,
      secretHashes: secretHashes.filter((hash) => hash !== null),
      allow: new Set(allow ?? (isPublic ? ['refresh'] : DEFAULT_CAPABILITIES)),
      riskPolicy: risk_policy ?? defaultPolicy,
      origins,
      returnUrls: return_urls,
      browserClients: new Set([client_id, ...browser_clients]),
    });
  }
  for (const { client_id, browser_clients } of entries) {
    for (const id of browser_clients) {
      if ((clients.get(id)?.origins.length ?? 0) === 0)
        mistakes.push(`CLIENTS: ${client_id}: browser_clients must name clients with origins`);
    }
  }
  return clients;
}

/** Asymmetric ones, so that the provider's public keys forge nothing. */
const ASSERTION_ALGORITHMS = [
  'RS256',
  'PS256',
  'ES256',
  'EdDSA',
  'RS384',
  'RS512',
  'PS384',
  'PS512',
  'ES384',
  'ES512',
] as const;

const trustedIssuersSchema = v.array(
  v.strictObject({
    issuer: v.string(),
    audience: v.union([
      v.pipe(
        v.string(),
        v.minLength(1),
        v.transform((audience) => [audience]),
      ),
      v.pipe(v.array(v.pipe(v.string(), v.minLength(1))), v.minLength(1)),
    ]),
    algorithms: v.optional(v.pipe(v.array(v.picklist(ASSERTION_ALGORITHMS)), v.minLength(1)), [
      'RS256',
      'ES256',
      'EdDSA',
    ]),
    max_age_seconds: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(DAY)), 600),
    jwks_uri: v.optional(v.string()),
    clients: v.optional(v.pipe(v.array(v.string()), v.minLength(1))),
  }),
);

function parseTrustedIssuers(text: string | undefined, mistakes: string[]): ReadonlyMap<string, TrustedIssuer> {
  const issuers = new Map<string, TrustedIssuer>();
  for (const entry of parseList('TRUSTED_ISSUERS', trustedIssuersSchema, text, mistakes)) {
    const { issuer, audience, algorithms, max_age_seconds, jwks_uri, clients } = entry;
    for (const [name, url] of Object.entries({ issuer, jwks_uri })) {
      const parsed = url === undefined ? null : URL.parse(url);
      if (url !== undefined && (parsed === null || !isTrustworthy(parsed) || parsed.username || parsed.hash))
        mistakes.push(`TRUSTED_ISSUERS: ${name} must be an https URL (http only on localhost)`);
    }
    if (issuers.has(issuer)) mistakes.push('TRUSTED_ISSUERS: an issuer is there twice');
    issuers.set(issuer, {
      issuer,
      audiences: audience,
      algorithms,
      maxAgeSeconds: max_age_seconds,
      jwksUri: jwks_uri ?? null,
      clients: clients === undefined ? null : new Set(clients),
    });
  }
  return issuers;
}

function parseBrand({ BRAND_NAME, BRAND_LOGO_URL, BRAND_COLOR }: Env, mistakes: string[]): Brand {
  const logoUrl = BRAND_LOGO_URL ? URL.parse(BRAND_LOGO_URL) : null;
  if (BRAND_LOGO_URL && (logoUrl === null || !isTrustworthy(logoUrl) || logoUrl.username || logoUrl.password))
    mistakes.push('BRAND_LOGO_URL must be an https URL without credentials');
  const name = BRAND_NAME || 'Your account';
  if (name.length > 64) mistakes.push('BRAND_NAME must have at most 64 characters');
  const color = BRAND_COLOR || '#1f4fd8';
  if (!/^#[0-9a-f]{6}$/i.test(color)) mistakes.push('BRAND_COLOR must be a colour like #1f4fd8');
  return { name, logoUrl, color };
}

const homesSchema = v.array(
  v.strictObject({
    home: v.string(),
    regions: v.optional(v.array(v.picklist(REGIONS)), []),
    jurisdiction: v.optional(v.picklist(JURISDICTIONS)),
    new_users: v.optional(v.picklist(NEW_USERS), 'any'),
  }),
);

/** Every D1 binding `DB` or `DB_<NAME>` is a home, whether HOMES says anything of it or not: tokens may name it. */
function parseHomes(env: Env, mistakes: string[]): ReadonlyMap<string, HomeConfig> {
  const homes = new Map<string, HomeConfig>();
  for (const [name, binding] of Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!/^DB(_[A-Z0-9_]{1,32})?$/.test(name) || typeof binding?.prepare !== 'function') continue;
    homes.set(name, { name, binding, regions: [], jurisdiction: null, newUsers: name === 'DB' ? 'any' : 'named' });
  }
  if (!homes.has('DB')) mistakes.push('DB is missing: bind a D1 database under this name');
  const described = new Set<string>();
  for (const { home: name, regions, jurisdiction = null, new_users } of parseList(
    'HOMES',
    homesSchema,
    env.HOMES,
    mistakes,
  )) {
    const home = homes.get(name);
    if (home === undefined) mistakes.push(`HOMES: there is no D1 binding of the name ${JSON.stringify(name)}`);
    else homes.set(name, { ...home, regions, jurisdiction, newUsers: new_users });
    if (described.has(name)) mistakes.push(`HOMES: ${JSON.stringify(name)} is there twice`);
    described.add(name);
  }
  if (homes.has('DB') && ![...homes.values()].some(({ newUsers }) => newUsers === 'any'))
    mistakes.push('HOMES: one home at least must take any new users');
  return homes;
}

/** What an endpoint is told of unless it says: what a team would act on. */
const ACTIONABLE_EVENTS: readonly EventType[] = [
  'new_device',
  'mismatch',
  'reauthentication_demanded',
  'reuse_detected',
  'session_evicted',
  'session_revoked',
];

/** What ends a session, which is all that a Security Event Token tells of. */
const ENDING_EVENTS: readonly EventType[] = ['reuse_detected', 'session_evicted', 'session_revoked'];

const webhooksSchema = v.array(
  v.strictObject({
    name: v.pipe(v.string(), v.regex(/^[a-z0-9_-]{1,64}$/, 'name must be 1 to 64 of a-z, 0-9, _ and -')),
    url: v.string(),
    secret: v.union([
      v.pipe(
        v.string(),
        v.transform((secret) => [secret]),
      ),
      v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(2)),
    ]),
    events: v.optional(v.pipe(v.array(v.picklist(EVENT_TYPES)), v.minLength(1))),
    format: v.optional(v.picklist(['json', 'set'])),
  }),
);

function parseWebhooks(text: string | undefined, mistakes: string[]): Webhook[] {
  const names = new Set<string>();
  return parseList('WEBHOOKS', webhooksSchema, text, mistakes).map(
    ({ name, url, secret, format = 'json', events = format === 'set' ? ENDING_EVENTS : ACTIONABLE_EVENTS }) => {
      if (names.has(name)) mistakes.push(`WEBHOOKS: ${name} is there twice`);
      names.add(name);
      const parsed = URL.parse(url);
      if (parsed === null || !isTrustworthy(parsed))
        mistakes.push(`WEBHOOKS: ${name}: url must be an https URL (http only on localhost)`);
      if (parsed?.username || parsed?.password) mistakes.push(`WEBHOOKS: ${name}: url must have no credentials`);
      if (format === 'set' && events.some((type) => !ENDING_EVENTS.includes(type)))
        mistakes.push(`WEBHOOKS: ${name}: with format set, events can only be ${ENDING_EVENTS.join(', ')}`);
      const secrets = secret.map(parseWebhookSecret);
      if (secrets.includes(null)) {
        mistakes.push(`WEBHOOKS: ${name}: secret must be whsec_ and 24 to 64 random bytes in base64`);
      }
      return { name, url, secrets: secrets.filter((key) => key !== null), events: new Set(events), format };
    },
  );
}

/** Standard Webhooks: `whsec_` and 24 to 64 bytes in base64. */
function parseWebhookSecret(secret: string): Uint8Array | null {
  const [, encoded] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret) ?? [];
  if (encoded === undefined) return null;
  try {
    const key = Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0));
    return key.length >= 24 && key.length <= 64 ? key : null;
  } catch {
    return null;
  }
}

/** A JSON array of this schema; what is wrong with it goes to `mistakes`. */
function parseList<T extends v.GenericSchema<unknown, unknown[]>>(
  name: string,
  schema: T,
  text: string | undefined,
  mistakes: string[],
): v.InferOutput<T> | [] {
  let json: unknown;
  try {
    json = JSON.parse(text || '[]');
  } catch {
    mistakes.push(`${name} is not JSON`);
    return [];
  }
  const parsed = v.safeParse(schema, json);
  if (parsed.success) return parsed.output;
  for (const issue of parsed.issues)
    mistakes.push(
      `${name}: ${v.getDotPath(issue) ?? 'value'}: ${issue.kind === 'schema' ? `expected ${issue.expected}` : issue.message}`,
    );
  return [];
}

/** A SHA-256 in hex or base64url as base64url; null when it is neither. */
function toBase64url(hash: string): string | null {
  if (/^[A-Za-z0-9_-]{43}$/.test(hash)) return hash;
  if (!/^[0-9a-fA-F]{64}$/.test(hash)) return null;
  const bytes = hash.match(/../g)?.map((byte) => Number.parseInt(byte, 16)) ?? [];
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
}

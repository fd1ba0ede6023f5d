/** `CLIENTS`: who may call, with which credentials, and what they may do. */
import * as v from 'valibot';
import { isAppOrigin, isOrigin, isOriginPattern, parseReturnUrl } from '../origins';
import type { Audiences } from './audiences';
import { type ClientGrants, grantEntries, toGrants } from './client-grants';
import { type ClientPages, clientPagesFields, toClientPages } from './client-pages';
import { assertOneNaming, subjectEntry, subjectIssuerOf } from './client-subject';
import { oneOrTwo } from './json-list';
import { RISK_POLICIES, type RiskPolicy } from './risk';
import { parseSecretHashes } from './secret-hashes';
import { clientSessionsSchema } from './session-policy';

/** The capabilities that `allow` in CLIENTS gives a client; how far they reach: authority.ts. */
export const CAPABILITIES = [
  /** Refresh its own sessions. */
  'refresh',
  /** Start sessions, step them up, and turn guests into users. */
  'create_sessions',
  /** See and end the sessions of users, and read their security log. */
  'manage_users',
  'introspect',
  /** Exchange the cookies of browser clients for access tokens. */
  'browser_tokens',
  /** Ask, as a gateway, whose request it is that has the cookies of a browser client. */
  'verify_cookies',
  /** Start sessions of its own by ID tokens. */
  'sign_in',
  /** Exchange access tokens that it is sent for narrower ones, for the next API. */
  'exchange',
  /** `manage_users` for the sessions of every client. */
  'manage_all',
  'erase_users',
  'impersonate',
  /** Take in the live sessions of another system. */
  'import_sessions',
  /** Homes, moves, not-befores, webhook deliveries, signing keys and the audit log. */
  'operate',
] as const;
export type Capability = (typeof CAPABILITIES)[number];
/** The capabilities that a client without a secret can have. */
const PUBLIC_CAPABILITIES: readonly Capability[] = ['refresh', 'sign_in'];
/** Before capabilities had to be listed, a client with a secret could do this for every client. */
const FORMERLY_IMPLIED: readonly Capability[] = [
  'refresh',
  'create_sessions',
  'manage_users',
  'manage_all',
  'erase_users',
  'introspect',
  'browser_tokens',
];

const ACCESS_TOKEN_PLACES = ['cookie', 'memory'] as const;
export type AccessTokenPlace = (typeof ACCESS_TOKEN_PLACES)[number];

export interface Client extends ClientGrants {
  id: string;
  /** The app as the pages for people show it. */
  pages: ClientPages;
  /** SHA-256 (base64url) of each accepted secret; empty for a public client (RFC 6749 §2.1). */
  secretHashes: readonly string[];
  /**
   * The client is a Worker that is bound to this one, or the app that it is mounted in: nobody can
   * be it over HTTP.
   */
  isBound: boolean;
  allow: ReadonlySet<Capability>;
  /** The clients whose sessions this one acts on: those that it names, or itself. */
  forClients: ReadonlySet<string>;
  riskPolicy: RiskPolicy;
  /**
   * Origins of the app's pages. A client with any is a browser client: its sessions may live in
   * cookies. Compared exactly.
   */
  origins: readonly string[];
  /**
   * More origins, whose pages hold their tokens themselves: of apps' own schemes, and patterns.
   * No cookie is ever for them.
   */
  tokenOrigins: readonly string[];
  /**
   * Where a browser client's access token is: in a cookie that no script reads, or in the memory of
   * the app's pages, which send it to APIs on other hosts. The refresh token is in its cookie
   * either way.
   */
  accessTokenIn: AccessTokenPlace;
  /** The issuer whose subject `sub` of its access tokens is; null: it is the user's id. */
  subjectIssuer: string | null;
  /** Whether the sign-in of another person in a browser is added to those that are there. */
  severalAccounts: boolean;
  /** Where a browser may be sent after it was given its cookies; see origins.ts. */
  returnUrls: readonly string[];
  /**
   * The browser clients whose cookies this backend may exchange for access tokens: itself and
   * those in `browser_clients`, else those of `forClients`.
   */
  browserClients: ReadonlySet<string>;
}

/** Anyone can be this client (RFC 6749 §2.1): what it sends comes from the person's own device. */
export function isPublic({ secretHashes, isBound }: Client): boolean {
  return secretHashes.length === 0 && !isBound;
}

/** VSCHAR of RFC 6749 appendix A.1 but the space, and bounded. */
export const CLIENT_ID = /^[\x21-\x7e]{1,128}$/;

export const clientSchema = v.strictObject({
  client_id: v.pipe(
    v.string(),
    v.regex(CLIENT_ID, 'client_id must be 1 to 128 printable ASCII characters'),
  ),
  secret_sha256: v.optional(oneOrTwo),
  bound: v.optional(v.literal(true, 'can only be true')),
  allow: v.optional(v.array(v.picklist(CAPABILITIES))),
  for_clients: v.optional(v.pipe(v.array(v.string()), v.minLength(1, 'names no client'))),
  risk_policy: v.optional(v.picklist(RISK_POLICIES)),
  sessions: v.optional(clientSessionsSchema),
  ...grantEntries,
  origins: v.optional(
    v.array(
      v.pipe(
        v.string(),
        v.check(
          (text) => isOrigin(text) || isAppOrigin(text) || isOriginPattern(text),
          'must be an origin as browsers send it (https://app.example), one of an app (capacitor://localhost), or a pattern for the previews of one app (https://*.my-app.pages.dev)',
        ),
      ),
    ),
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
  access_token: v.optional(v.picklist(ACCESS_TOKEN_PLACES)),
  several_accounts: v.optional(v.boolean()),
  ...subjectEntry,
  browser_clients: v.optional(v.array(v.string())),
  ...clientPagesFields,
});

export interface KnownClients {
  clients: ReadonlyMap<string, Client>;
  /**
   * The mistakes of the clients that are refused (refused-clients.ts), by client id; or, where
   * there is none, by the place in the list (` 3`).
   */
  refusedClients: ReadonlyMap<string, readonly string[]>;
}

export type ClientEntry = v.InferOutput<typeof clientSchema>;

/** Turns an entry into a client; `problem` is called with each mistake. */
export function toClient(
  entry: ClientEntry,
  entries: readonly ClientEntry[],
  { riskPolicy, audiences }: { riskPolicy: RiskPolicy; audiences: Audiences },
  problem: (text: string) => void,
): Client {
  const { client_id, allow, risk_policy, return_urls, browser_clients } = entry;
  const origins = entry.origins.filter(isOrigin);
  const secretHashes = parseSecretHashes(entry.secret_sha256 ?? [], problem);
  const isBound = entry.bound === true;
  const isPublic = entry.secret_sha256 === undefined && !isBound;
  if (isBound && entry.secret_sha256 !== undefined)
    problem('bound is for clients without secret_sha256; any client can be bound');
  if (isBound && entry.origins.length > 0) problem('a client with origins cannot be bound');
  if (isPublic) assertPublic(entry, problem);
  else if (allow === undefined) problem(sayWhatToAllow(entry, entries));
  const isBrowserClient = origins.length > 0;
  const { access_token, several_accounts } = entry;
  const ofBrowsers = { return_urls: return_urls[0], access_token, several_accounts };
  for (const [member, given] of Object.entries(ofBrowsers))
    if (given !== undefined && !isBrowserClient)
      problem(`${member} is for clients with origins of web pages`);
  if (entry.origins.length > 0 && allow?.includes('refresh') === false)
    problem('a client with origins must be allowed to refresh');
  assertOneNaming(entry, entries, audiences, problem);
  const forClients = new Set(entry.for_clients ?? [client_id]);
  return {
    id: client_id,
    ...toGrants(entry, allow ?? [], audiences, problem),
    pages: toClientPages({ ...entry, origins }),
    secretHashes,
    isBound,
    allow: new Set(allow ?? ['refresh']),
    forClients,
    riskPolicy: risk_policy ?? riskPolicy,
    origins,
    tokenOrigins: entry.origins.filter((origin) => !isOrigin(origin)),
    accessTokenIn: access_token ?? 'cookie',
    subjectIssuer: subjectIssuerOf(entry),
    severalAccounts: several_accounts ?? false,
    returnUrls: return_urls,
    browserClients: browser_clients ? new Set([client_id, ...browser_clients]) : forClients,
  };
}

/** Members that only a client that authenticates can have. */
function assertPublic(
  { allow, for_clients, browser_clients }: ClientEntry,
  problem: (text: string) => void,
): void {
  if (allow?.some((capability) => !PUBLIC_CAPABILITIES.includes(capability)))
    problem(
      `a client without secret_sha256 is public, so all it may be allowed is ${PUBLIC_CAPABILITIES.join(', ')}`,
    );
  if (for_clients !== undefined) problem('for_clients is for clients with secret_sha256 or bound');
  if (browser_clients !== undefined)
    problem('browser_clients is for clients with secret_sha256 or bound');
}

/** The members that give a client of an earlier release what it had, to be cut down. */
function sayWhatToAllow({ client_id }: ClientEntry, entries: readonly ClientEntry[]): string {
  const ids = [...new Set([client_id, ...entries.map((entry) => entry.client_id)])];
  return `allow is missing, and no capability is implied. What it could do before: "allow": ${JSON.stringify(FORMERLY_IMPLIED)}, "for_clients": ${JSON.stringify(ids)}; leave out what it does not need`;
}

/** `CLIENTS`: who may call, with which credentials, and what they may do. */
import { base64url } from 'jose';
import * as v from 'valibot';
import { isCanonicalBase64url } from '../client/verify/compact-jws';
import { isOrigin, parseReturnUrl } from '../origins';
import { oneOrTwo, parseList } from './list';
import { RISK_POLICIES, type RiskPolicy } from './risk';

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
const DEFAULT_CAPABILITIES = CAPABILITIES.filter(
  (capability) => capability !== 'operate' && capability !== 'sign_in',
);
/** What a client without a secret can be allowed to do. */
const PUBLIC_CAPABILITIES: readonly Capability[] = ['refresh', 'sign_in'];

export interface Client {
  id: string;
  /** SHA-256 (base64url) of each accepted secret; empty for a public client (RFC 6749 §2.1). */
  secretHashes: readonly string[];
  allow: ReadonlySet<Capability>;
  riskPolicy: RiskPolicy;
  /**
   * Origins of the app's pages. A client with any is a browser client: its sessions may live in
   * cookies.
   */
  origins: readonly string[];
  /** Where a browser may be sent after it was given its cookies; see origins.ts. */
  returnUrls: readonly string[];
  /**
   * The browser clients whose cookies this backend may exchange for access tokens: itself, and
   * those it lists.
   */
  browserClients: ReadonlySet<string>;
}

const clientsSchema = v.array(
  v.strictObject({
    client_id: v.pipe(
      v.string(),
      v.regex(/^[\x21-\x7e]{1,128}$/, 'client_id must be 1 to 128 printable ASCII characters'),
    ),
    secret_sha256: v.optional(oneOrTwo),
    allow: v.optional(v.array(v.picklist(CAPABILITIES))),
    risk_policy: v.optional(v.picklist(RISK_POLICIES)),
    origins: v.optional(
      v.array(
        v.pipe(
          v.string(),
          v.check(isOrigin, 'must be an origin like https://app.example, as browsers send it'),
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
    browser_clients: v.optional(v.array(v.string()), []),
  }),
);

export function parseClients(
  text: string | undefined,
  defaultPolicy: RiskPolicy,
  mistakes: string[],
): ReadonlyMap<string, Client> {
  const clients = new Map<string, Client>();
  const entries = parseList('CLIENTS', clientsSchema, text, mistakes);
  for (const {
    client_id,
    secret_sha256 = [],
    allow,
    risk_policy,
    origins,
    return_urls,
    browser_clients,
  } of entries) {
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

/** A SHA-256 in hex or base64url as base64url; null when it is neither. */
function toBase64url(hash: string): string | null {
  if (hash.length === 43 && isCanonicalBase64url(hash)) return hash;
  if (!/^[0-9a-fA-F]{64}$/.test(hash)) return null;
  const bytes = hash.match(/../g)?.map((byte) => Number.parseInt(byte, 16)) ?? [];
  return base64url.encode(Uint8Array.from(bytes));
}

/**
 * The keys of trusted OpenID providers: found by discovery (OpenID Connect Discovery 1.0 §4), kept
 * by the isolate. A key that is not known is asked for once a cool-down, so that no forged `kid`
 * makes this service flood a provider; a provider that is down costs nobody whose key is known.
 */
import type { JSONWebKeySet } from 'jose';
import type { TrustedIssuer } from '../config/trusted-issuers';
import { IssuerUnavailableError } from '../faults';
import { isTrustworthy } from '../origins';

/** How long keys are good before they are asked for again. */
const MAX_AGE_SECONDS = 600;
/** The least time between two requests to one provider. */
export const COOL_DOWN_SECONDS = 30;
const TIMEOUT_MS = 5_000;
/** Far more than any provider's keys. */
const MAX_BYTES = 256 * 1024;

interface Known {
  jwks: JSONWebKeySet | null;
  readAt: number;
  /** When the last request was begun, and when one last came to nothing. */
  askedAt: number;
  failedAt: number;
}

const NEVER = Number.NEGATIVE_INFINITY;

export type IssuerKeys = (issuer: TrustedIssuer, kid: string | undefined) => Promise<JSONWebKeySet>;

/**
 * The provider's keys, with that of `kid` if it has one. Throws `IssuerUnavailableError` when there
 * are none, or none newer, to be had.
 */
export function createIssuerKeys(send: typeof fetch, now: () => number): IssuerKeys {
  const issuers = new Map<string, Known>();

  return async (issuer, kid) => {
    const known = issuers.get(issuer.issuer) ?? {
      jwks: null,
      readAt: NEVER,
      askedAt: NEVER,
      failedAt: NEVER,
    };
    issuers.set(issuer.issuer, known);
    const { jwks: before, readAt } = known;
    const hasKey =
      before !== null && (kid === undefined || before.keys.some((key) => key.kid === kid));
    if (hasKey && now() - readAt < MAX_AGE_SECONDS * 1000) return before;
    // An isolate without keys lets each request ask: none can wait for another's answer (Workers).
    // With keys, one asks at a time.
    const last = before === null ? known.failedAt : known.askedAt;
    if (now() - last >= COOL_DOWN_SECONDS * 1000) {
      known.askedAt = now();
      const jwks = await readKeys(issuer, send);
      if (jwks === null) known.failedAt = now();
      else Object.assign(known, { jwks, readAt: now() });
    }
    // Known keys stay good while the provider is away; of an unknown one it has to be asked.
    const isAsked = known.readAt >= known.askedAt;
    if (known.jwks === null || !(hasKey || isAsked)) throw new IssuerUnavailableError();
    return known.jwks;
  };
}

/** null: the provider did not answer, or not with keys. */
async function readKeys(
  { issuer, jwksUri }: TrustedIssuer,
  send: typeof fetch,
): Promise<JSONWebKeySet | null> {
  try {
    const uri = jwksUri ?? (await discover(issuer, send));
    const jwks = uri === null ? null : await readJson(uri, send);
    const keys = (jwks as { keys?: unknown } | null)?.keys;
    return Array.isArray(keys) ? ({ keys } as JSONWebKeySet) : null;
  } catch {
    return null;
  }
}

/**
 * The provider's `jwks_uri`. Its document has to name the very issuer (§4.3), or another's keys
 * would pass for its own.
 */
async function discover(issuer: string, send: typeof fetch): Promise<string | null> {
  const document = (await readJson(
    `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
    send,
  )) as {
    issuer?: unknown;
    jwks_uri?: unknown;
  } | null;
  if (document?.issuer !== issuer || typeof document.jwks_uri !== 'string') return null;
  const uri = URL.parse(document.jwks_uri);
  return uri !== null && isTrustworthy(uri) ? uri.href : null;
}

/** Follows no redirect, and reads no more than it has to. */
async function readJson(url: string, send: typeof fetch): Promise<unknown> {
  const response = await send(url, {
    headers: { Accept: 'application/json' },
    redirect: 'manual',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel();
    return null;
  }
  let bytes = 0;
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) return null;
    text += decoder.decode(chunk, { stream: true });
  }
  return JSON.parse(text);
}

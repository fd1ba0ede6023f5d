/**
 * The public keys of someone who signs tokens, kept by the isolate. Four bounds hold, which jose's
 * `createRemoteJWKSet` has not all of:
 *
 *   - a key set is kept as long as it may be cached, so that a withdrawn key goes out of use;
 *   - while no newer one can be read, a known key stays good, until `acceptStaleSeconds`;
 *   - a key that is not in the set is asked for, so that a new one is good at once;
 *   - one read at a time, and none within `coolDownSeconds` of the last, however it went.
 *
 * What cannot be read, or holds no key, is an outage: it never says that a token is bad.
 */
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import type { JsonDocument } from './read-json';

export interface RemoteKeysOptions {
  /** Milliseconds since 1970. */
  now: () => number;
  /** How long a key set that does not say is kept, and the longest that any is kept. */
  defaultMaxAgeSeconds: number;
  maxAgeSeconds: number;
  /** How long since it was read a key set is used while no newer one can be had. */
  acceptStaleSeconds: number;
  /** The least time between two reads. No key set is kept for less. More than a read may take. */
  coolDownSeconds: number;
}

/**
 * Gives the function that finds the key of a token whose header names `kid`, as jose's verifying
 * functions take it; null: the keys cannot be had now.
 */
export type RemoteKeys = (kid: string | undefined) => Promise<JWTVerifyGetKey | null>;

interface Known {
  find: JWTVerifyGetKey;
  kids: ReadonlySet<unknown>;
  readAt: number;
  freshSeconds: number;
}

const NEVER = Number.NEGATIVE_INFINITY;
const TICK_MS = 20;

/** `read` is bound in time, and gives null for what is no JSON document. */
export function createRemoteKeys(
  read: () => Promise<JsonDocument | null>,
  options: RemoteKeysOptions,
): RemoteKeys {
  const { now, acceptStaleSeconds, coolDownSeconds } = options;
  let known: Known | null = null;
  let askedAt = NEVER;
  let isAsking = false;
  let hasFailed = false;

  return async (kid) => {
    if (isKnown(kid) && isYoungerThan((known as Known).freshSeconds)) return (known as Known).find;
    // A request that was cut off leaves its read without an end, so no read counts for longer.
    if (isAsking && secondsSince(askedAt) < coolDownSeconds) {
      if (!isKnown(kid)) await othersRead();
    } else if (secondsSince(askedAt) >= coolDownSeconds) await ask();
    // Of an unknown key nothing can be said while the last read came to nothing.
    return isKnown(kid) || (isKnown(undefined) && !hasFailed) ? (known as Known).find : null;
  };

  /** Of a token without `kid`, whether any key is known. */
  function isKnown(kid: string | undefined): boolean {
    return (
      known !== null &&
      isYoungerThan(Math.max(known.freshSeconds, acceptStaleSeconds)) &&
      (kid === undefined || known.kids.has(kid))
    );
  }

  function isYoungerThan(seconds: number): boolean {
    return known !== null && secondsSince(known.readAt) < seconds;
  }

  /** A clock that is set back must not make anything last longer. */
  function secondsSince(moment: number): number {
    return Math.abs(now() - moment) / 1000;
  }

  async function ask(): Promise<void> {
    const readAt = now();
    askedAt = readAt;
    isAsking = true;
    const keys = await readKeys(read, readAt, options);
    hasFailed = keys === null;
    known = keys ?? known;
    isAsking = false;
  }

  /**
   * Waits for the read of another request by looking: in Workers, no request can wait for the
   * promise of another.
   */
  async function othersRead(): Promise<void> {
    for (let waited = 0; isAsking && waited < coolDownSeconds * 1000; waited += TICK_MS)
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
}

/** null: there is none to be had, or it holds no key. */
async function readKeys(
  read: () => Promise<JsonDocument | null>,
  readAt: number,
  { defaultMaxAgeSeconds, maxAgeSeconds, coolDownSeconds }: RemoteKeysOptions,
): Promise<Known | null> {
  try {
    const document = await read();
    if (document === null) return null;
    const jwks = document.json as JSONWebKeySet;
    const find = createLocalJWKSet(jwks);
    if (!jwks.keys.some(({ kty }) => typeof kty === 'string')) return null;
    const freshSeconds = Math.min(document.maxAgeSeconds ?? defaultMaxAgeSeconds, maxAgeSeconds);
    return {
      find,
      kids: new Set(jwks.keys.map(({ kid }) => kid)),
      readAt,
      freshSeconds: Math.max(freshSeconds, coolDownSeconds),
    };
  } catch {
    return null;
  }
}

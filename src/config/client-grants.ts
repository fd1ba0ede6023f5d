/**
 * The audiences and scopes of the access tokens of a client's sessions; and the team's APIs that a
 * client is itself.
 */
import * as v from 'valibot';
import type { Audiences } from './audiences';

export interface ClientGrants {
  /** The audiences that tokens of its sessions may have (RFC 8707 §2). */
  audiences: readonly string[];
  /**
   * The scopes that its sessions are granted (RFC 6749 §3.3); null: their tokens have no `scope`.
   */
  scopes: readonly string[] | null;
  /** The audiences that the client is the API of, so that their tokens are sent to it. */
  serves: readonly string[];
}

/** RFC 6749 §3.3. */
export const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]{1,64}$/;

const names = v.pipe(
  v.array(v.string()),
  v.minLength(1, 'is empty'),
  v.check((list) => new Set(list).size === list.length, 'has one twice'),
);

export const grantEntries = {
  audiences: v.optional(names),
  scopes: v.optional(
    v.pipe(
      names,
      v.check(
        (list) => list.every((scope) => SCOPE_TOKEN.test(scope)),
        'must be of 1 to 64 printable ASCII characters each, without spaces, quotes and backslashes',
      ),
      // Every access token says them, and a browser's has to fit into a cookie.
      v.check((list) => list.join(' ').length <= 1_000, 'must be at most 1,000 characters in all'),
    ),
  ),
  serves: v.optional(names),
};

type Entry = v.InferOutput<v.StrictObjectSchema<typeof grantEntries, undefined>>;

/**
 * Capabilities for which the client has to be the API of an audience, because that is sent its
 * tokens.
 */
const OF_APIS: readonly string[] = ['verify_cookies', 'exchange'];

export function toGrants(
  { audiences, scopes, serves }: Entry,
  allow: readonly string[],
  known: Audiences,
  problem: (text: string) => void,
): ClientGrants {
  const all = [...new Set([...known.audiences, known.accountAudience])];
  if (audiences?.some((audience) => !all.includes(audience)))
    problem('audiences must be of AUDIENCE, or ACCOUNT_AUDIENCE');
  if (serves?.some((audience) => !known.audiences.includes(audience)))
    problem('serves must be of AUDIENCE');
  const isAlone = known.audiences.length === 1;
  const needsOne = allow.find((capability) => OF_APIS.includes(capability));
  if (needsOne !== undefined && serves === undefined && !isAlone)
    problem(`serves is missing: with ${needsOne}, say which of AUDIENCE the client is the API of`);
  return {
    audiences: audiences ?? all,
    scopes: scopes ?? null,
    serves: serves ?? (isAlone ? known.audiences : []),
  };
}

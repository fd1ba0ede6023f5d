/**
 * The revocation list as verifiers read it. It names nobody: an entry is the first 48 bits of a
 * SHA-256 over a salt, which the document tells, and an id. A session's id is random, so its hash
 * says nothing to a reader who holds no token of it; the salt changes every day, so that a user's
 * entries of two days cannot be told to be of one. A reader who knows a user's id already can learn
 * whether that user was signed out everywhere within the last few minutes, and no more.
 *
 * Of 100,000 entries one in about 2.8 billion tokens meets another's hash. Its session's tokens are
 * refused until the entry or the day is over.
 */
import * as base64url from 'jose/base64url';
import { sha256Prefix } from '../crypto';
import { boundRevocations, type ListBounds, type Revocations } from './revocation-list';

export interface RevocationDocument {
  salt: string;
  /** Base64url: the hashes, six bytes each (big-endian), ascending. */
  sessions: string;
  /** Base64url: six bytes of a hash, then four of a second since 1970, ascending. */
  not_before: string;
  /** False: a home did not answer, so that one of its sessions may be over and not listed. */
  complete: boolean;
  /** The names of those homes, where there are any. Their tokens carry them. */
  missing?: string[];
}

/** The document that clients of the release before read. */
export interface FormerDocument {
  sessions: string[];
  not_before: Record<string, number>;
  complete: boolean;
}

/** Hashes, kept from one document to the next. */
export interface HashCache {
  salt: string;
  hashes: Map<string, number>;
}

/**
 * The id that stands for a home among the others. The service and its verifiers make the same one.
 */
const toHomeId = (home: string) => `home:${home}`;

const toDay = (now: number) => new Date(now).toISOString().slice(0, 10);

/** Returns the document, and what to give to the next call. */
export async function toRevocationDocument(
  lists: readonly Revocations[],
  { issuer, missing, now }: { issuer: string; missing: string[]; now: number },
  cache: HashCache | null,
): Promise<{ document: RevocationDocument; cache: HashCache }> {
  const salt = `${issuer} ${toDay(now)}`;
  const { sessions, notBefore } = mergeRevocations(lists);
  const known = cache?.salt === salt ? cache.hashes : null;
  const hashes = await hashAll([...sessions, ...notBefore.keys()], salt, known);
  const toHash = (id: string) => hashes.get(id) as number;
  return {
    document: {
      salt,
      sessions: pack(sessions.map((id) => [toHash(id), null])),
      not_before: pack([...notBefore].map(([id, second]) => [toHash(id), second])),
      complete: missing.length === 0,
      ...(missing.length > 0 && { missing }),
    },
    cache: { salt, hashes },
  };
}

/** The most entries that all verifiers of that release can take. */
const FORMER_BOUNDS: ListBounds = { sessions: 10_000, notBefore: 10_000 };

/**
 * The list in the form of the release before, which named ids. An erased person's id is not among
 * them.
 */
export function toFormerDocument(
  lists: readonly Revocations[],
  complete: boolean,
  bounds: ListBounds = FORMER_BOUNDS,
): FormerDocument {
  const { sessions, notBefore } = mergeRevocations(
    lists.map((list) => boundRevocations(list, bounds)),
  );
  return {
    // The entries are sorted, so that the same list is the same text.
    sessions: sessions.sort(),
    not_before: Object.fromEntries([...notBefore].sort(([a], [b]) => (a < b ? -1 : 1))),
    complete,
  };
}

/** Merges the lists of several homes. Of two moments the later one holds. */
function mergeRevocations(lists: readonly Revocations[]): {
  sessions: string[];
  notBefore: Map<string, number>;
} {
  const sessions = new Set(lists.flatMap((list) => [...list.sessions.keys()]));
  const notBefore = new Map<string, number>();
  for (const { home, ...list } of lists) {
    for (const [id, second] of list.notBefore)
      notBefore.set(id, Math.max(second, notBefore.get(id) ?? 0));
    if (list.homeNotBefore > 0) notBefore.set(toHomeId(home), list.homeNotBefore);
  }
  return { sessions: [...sessions], notBefore };
}

/** Digests that are computed at once. */
const HASHED_AT_ONCE = 1_000;

async function hashAll(
  ids: readonly string[],
  salt: string,
  known: ReadonlyMap<string, number> | null,
): Promise<Map<string, number>> {
  const hashes = new Map<string, number>();
  for (let start = 0; start < ids.length; start += HASHED_AT_ONCE)
    await Promise.all(
      ids.slice(start, start + HASHED_AT_ONCE).map(async (id) => {
        hashes.set(id, known?.get(id) ?? (await sha256Prefix(`${salt} ${id}`)));
      }),
    );
  return hashes;
}

const HASH_BYTES = 6;
const SECOND_BYTES = 4;

/** `null`: the entry is a hash alone. */
function pack(entries: [hash: number, second: number | null][]): string {
  entries.sort(([a], [b]) => a - b);
  const width = HASH_BYTES + (entries[0]?.[1] == null ? 0 : SECOND_BYTES);
  const view = new DataView(new ArrayBuffer(entries.length * width));
  for (const [index, [hash, second]] of entries.entries()) {
    view.setUint32(index * width, Math.floor(hash / 65_536));
    view.setUint16(index * width + 4, hash % 65_536);
    if (second !== null) view.setUint32(index * width + HASH_BYTES, Math.min(second, 0xffff_ffff));
  }
  return base64url.encode(new Uint8Array(view.buffer));
}

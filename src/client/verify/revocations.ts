/**
 * The service's revocation list, polled: what it says of a token is at most `pollSeconds` and the
 * list's `max-age` late. An entry is the first 48 bits of a SHA-256 over the list's salt and an id.
 */

export interface RevocationOptions {
  /** A list older than this is read again before the next token is accepted. Default: 15. */
  pollSeconds?: number;
  /**
   * Without a newer list, tokens are accepted for this long since the last one; then nothing is.
   * Where one home of the service is away, so it is for the tokens of that home alone.
   * Default: 300.
   */
  acceptStaleSeconds?: number;
}

interface List {
  salt: string;
  /** Ascending. */
  sessions: Float64Array;
  /** Ascending, and at the same index the second before which tokens are refused. */
  subjects: Float64Array;
  notBefore: Float64Array;
  /** Homes that did not answer: what ended there lately is not in this list. */
  missing: string[];
  etag: string | null;
  readAt: number;
}

interface Claims {
  sid: string;
  sub: string;
  uid?: string;
  iat: number;
  home?: unknown;
}

const TIMEOUT_MS = 3_000;
/** A list that cannot be read is not asked for by every request. */
const RETRY_SECONDS = 2;

/**
 * Tells of a token's claims. An isolate keeps the list itself, never the promise of another request
 * (Workers cannot await one).
 */
export function createRevocations(
  issuer: string,
  { pollSeconds = 15, acceptStaleSeconds = 300 }: RevocationOptions,
  send: typeof fetch,
  now: () => number,
): (claims: Claims) => Promise<'good' | 'revoked' | 'unknown'> {
  let list: List | null = null;
  /** The last list that missed no home. */
  let whole: List | null = null;
  let triedAt = Number.NEGATIVE_INFINITY;
  const acceptSeconds = Math.max(acceptStaleSeconds, pollSeconds);

  return async (claims) => {
    const age = ageOf(list);
    if (age >= pollSeconds && (now() - triedAt) / 1000 >= (list === null ? 0 : RETRY_SECONDS)) {
      triedAt = now();
      list = (await read()) ?? list;
      if (list?.missing.length === 0) whole = list;
    }
    if (list === null || ageOf(list) > acceptSeconds) return 'unknown';
    // While a home is away, what ended there before is in the last list that had it, and the
    // tokens of all other homes are decided as ever.
    const before = whole === list ? null : whole;
    if (await isRevoked(list, claims)) return 'revoked';
    if (before !== null && (await isRevoked(before, claims))) return 'revoked';
    if (!list.missing.includes(String(claims.home))) return 'good';
    return ageOf(before) > acceptSeconds ? 'unknown' : 'good';
  };

  function ageOf(known: List | null): number {
    return known === null ? Number.POSITIVE_INFINITY : Math.abs(now() - known.readAt) / 1000;
  }

  /** null: it could not be read. */
  async function read(): Promise<List | null> {
    const readAt = now();
    try {
      const response = await send(`${issuer}/.well-known/revocations`, {
        headers: list?.etag ? { 'If-None-Match': list.etag } : {},
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (response.status === 304 && list !== null) return { ...list, readAt };
      if (!response.ok) return null;
      const parsed = parse(await response.json());
      return parsed && { ...parsed, etag: response.headers.get('etag'), readAt };
    } catch {
      return null;
    }
  }
}

async function isRevoked(list: List, { sid, sub, uid = sub, iat, home }: Claims): Promise<boolean> {
  const { salt, sessions, subjects, notBefore } = list;
  // Mostly nothing is listed, and then nothing is hashed.
  if (sessions.length > 0 && indexOf(sessions, await toHash(salt, sid)) >= 0) return true;
  if (subjects.length === 0) return false;
  const hashes = await Promise.all([sid, uid, `home:${home}`].map((id) => toHash(salt, id)));
  return hashes.some((hash) => {
    const index = indexOf(subjects, hash);
    return index >= 0 && iat < (notBefore[index] as number);
  });
}

/** 48 bits are a whole number that a double holds exactly. */
async function toHash(salt: string, id: string): Promise<number> {
  const bytes = new TextEncoder().encode(`${salt} ${id}`);
  return readHash(new DataView(await crypto.subtle.digest('SHA-256', bytes)), 0);
}

const readHash = (view: DataView, at: number) =>
  view.getUint32(at) * 65_536 + view.getUint16(at + 4);

/** Binary search; -1: it is not there. */
function indexOf(ascending: Float64Array, hash: number): number {
  let low = 0;
  let high = ascending.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const found = ascending[middle] as number;
    if (found === hash) return middle;
    if (found < hash) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

const HASH_BYTES = 6;
const SECOND_BYTES = 4;

/** null: it is not the list's shape, or does not say what it leaves out. */
function parse(body: unknown): Omit<List, 'etag' | 'readAt'> | null {
  const { salt, sessions, not_before, complete, missing } = body as Record<string, unknown>;
  if (typeof salt !== 'string') return null;
  if (typeof sessions !== 'string' || typeof not_before !== 'string') return null;
  if (complete !== true && !isListOfNames(missing)) return null;
  const entries = decode(not_before, HASH_BYTES + SECOND_BYTES);
  return {
    salt,
    sessions: readAll(decode(sessions, HASH_BYTES), HASH_BYTES, (view, at) => readHash(view, at)),
    subjects: readAll(entries, HASH_BYTES + SECOND_BYTES, (view, at) => readHash(view, at)),
    notBefore: readAll(entries, HASH_BYTES + SECOND_BYTES, (view, at) =>
      view.getUint32(at + HASH_BYTES),
    ),
    missing: complete === true ? [] : (missing as string[]),
  };
}

const isListOfNames = (value: unknown): value is [string, ...string[]] =>
  Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string');

function readAll(
  view: DataView,
  width: number,
  read: (view: DataView, at: number) => number,
): Float64Array {
  const values = new Float64Array(view.byteLength / width);
  for (let index = 0; index < values.length; index += 1) values[index] = read(view, index * width);
  return values;
}

/** Base64url of entries of so many bytes. Throws for anything else. */
function decode(text: string, width: number): DataView {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  if (binary.length % width !== 0) throw new TypeError('entries of another length');
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < bytes.length; index += 1) bytes[index] = binary.charCodeAt(index);
  return new DataView(bytes.buffer);
}

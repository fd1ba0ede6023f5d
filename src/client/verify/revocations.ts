/**
 * The service's list of ended sessions and outdated users, polled: what it says of a token, at most
 * `pollSeconds` and its `max-age` late.
 */

export interface RevocationOptions {
  /** A list older than this is read again before the next token is accepted. Default: 15. */
  pollSeconds?: number;
  /**
   * Without a newer list, tokens are accepted for this long since the last one; then nothing is.
   * Default: 300.
   */
  acceptStaleSeconds?: number;
}

interface List {
  sessions: ReadonlySet<string>;
  notBefore: Readonly<Record<string, number>>;
  etag: string | null;
  readAt: number;
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
): (claims: {
  sid: string;
  sub: string;
  iat: number;
  home?: unknown;
}) => Promise<'good' | 'revoked' | 'unknown'> {
  let list: List | null = null;
  let triedAt = Number.NEGATIVE_INFINITY;

  return async ({ sid, sub, iat, home }) => {
    const age = ageOf(list);
    if (age >= pollSeconds && (now() - triedAt) / 1000 >= (list === null ? 0 : RETRY_SECONDS)) {
      triedAt = now();
      list = (await read()) ?? list;
    }
    if (list === null || ageOf(list) > Math.max(acceptStaleSeconds, pollSeconds)) return 'unknown';
    const { sessions, notBefore } = list;
    const isOutdated = (key: string) =>
      Object.hasOwn(notBefore, key) && iat < (notBefore[key] as number);
    return sessions.has(sid) || isOutdated(sub) || isOutdated(`home:${home}`) ? 'revoked' : 'good';
  };

  function ageOf(known: List | null): number {
    return known === null ? Number.POSITIVE_INFINITY : Math.abs(now() - known.readAt) / 1000;
  }

  /** null: it could not be read, or is not all that there is. */
  async function read(): Promise<List | null> {
    const readAt = now();
    try {
      const response = await send(`${issuer}/.well-known/revoked-sessions`, {
        headers: list?.etag ? { 'If-None-Match': list.etag } : {},
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (response.status === 304 && list !== null) return { ...list, readAt };
      if (!response.ok) return null;
      const body = (await response.json()) as {
        sessions: string[];
        not_before: Record<string, number>;
        complete: boolean;
      };
      if (!body.complete) return null;
      const etag = response.headers.get('etag');
      return { sessions: new Set(body.sessions), notBefore: body.not_before, etag, readAt };
    } catch {
      return null;
    }
  }
}

/**
 * Sessions that an isolate knows to be over, so that further requests with an access token of one
 * cost no database call. An end is final, and access tokens are short-lived: each entry is kept for
 * as long as a token can be good that was issued before.
 */
export interface EndedSessions {
  has: (sessionId: string) => boolean;
  /** Adds a session, because the database said that it is over, or that there is none. */
  add: (sessionId: string) => void;
}

/** Beyond this number the oldest entry makes room: about 1 MB. */
const MAX_ENTRIES = 10_000;

export function createEndedSessions(
  { tokenLifeSeconds, now }: { tokenLifeSeconds: number; now: () => number },
  maxEntries = MAX_ENTRIES,
): EndedSessions {
  /** By session, when it was last known to be over, in ms; the oldest entry first. */
  const ended = new Map<string, number>();
  return {
    has: (sessionId) => {
      const since = ended.get(sessionId);
      return since !== undefined && Math.abs(now() - since) < tokenLifeSeconds * 1000;
    },
    add: (sessionId) => {
      ended.delete(sessionId);
      ended.set(sessionId, now());
      if (ended.size <= maxEntries) return;
      const [oldest] = ended.keys();
      ended.delete(oldest as string);
    },
  };
}

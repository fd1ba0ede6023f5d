/**
 * Turns an endpoint's answer to a message into a verdict. Pure. Whether the endpoint can take
 * messages now is one question, and whether it wants this message is another: only the first slows
 * down its other messages.
 */

/** `error` is what operators see: a status or a kind of failure. */
export type Verdict = { is: 'accepted' } | Failure;

export interface Failure {
  /**
   * `unavailable`: no answer, 5xx or 429, whatever the message. `refused`: this very message.
   * `unwanted`: 410, by which a receiver says that it wants no more of it (Standard Webhooks).
   */
  is: 'unavailable' | 'refused' | 'unwanted';
  error: string;
  /**
   * Seconds for which the endpoint is to be left alone, as its answer asks; null: it does not ask.
   */
  retryAfter: number | null;
}

/** The longest pause, because a mistake in the endpoint's answer must not silence it for longer. */
const MAX_RETRY_AFTER_SECONDS = 86_400;

/** Reads an answer at `now` (ms): its status and `Retry-After`. */
export function toVerdict(status: number, retryAfter: string | null, now: number): Verdict {
  if (status >= 200 && status < 300) return { is: 'accepted' };
  const is =
    status === 410 ? 'unwanted' : status === 429 || status >= 500 ? 'unavailable' : 'refused';
  return { is, error: `status_${status}`, retryAfter: parseRetryAfter(retryAfter, now) };
}

/** RFC 9110 §10.2.3: seconds, or a date. null: neither. */
function parseRetryAfter(text: string | null, now: number): number | null {
  if (text === null) return null;
  const seconds = /^\d+$/.test(text) ? Number(text) : Math.ceil((Date.parse(text) - now) / 1000);
  if (Number.isNaN(seconds)) return null;
  return Math.min(Math.max(seconds, 0), MAX_RETRY_AFTER_SECONDS);
}

/**
 * Until when the endpoint asks to be left alone altogether: the latest `Retry-After` of the
 * attempts in which it was unavailable. null: it does not ask.
 */
export function toPause(verdicts: readonly Verdict[], now: number): Date | null {
  const retryAfters = verdicts.flatMap((verdict) =>
    verdict.is === 'unavailable' && verdict.retryAfter !== null ? [verdict.retryAfter] : [],
  );
  return retryAfters.length === 0 ? null : new Date(now + Math.max(...retryAfters) * 1000);
}

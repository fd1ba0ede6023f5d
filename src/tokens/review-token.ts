/**
 * The link in a mail that asks "Was this you?" of one event. The content is in the token and signed
 * (HMAC-SHA-256). The database makes it good only once, because it keeps the first answer.
 */
import { eachTrustedSecret, equalDigests, hmacSha256, type Keyring } from '../crypto';

/** People read their mail within a day; what comes later is asked on the page. */
export const REVIEW_SECONDS = 86_400;

export interface Review {
  eventId: string;
  sessionId: string;
  /** The name of the home that the event was written in. */
  home: string;
}

/**
 * Signs the token of a review link. One event always has the same token, so that a webhook which is
 * sent again has the same link.
 */
export async function signReview(
  { current }: Keyring,
  { eventId, sessionId, home }: Review,
  expiresAt: number,
): Promise<string> {
  const text = [current.id, home, eventId, sessionId, Math.floor(expiresAt / 1000)].join('.');
  return `${text}.${await hmacSha256(current.review, text)}`;
}

/** null: it is not ours, was changed, or has expired at `now` (ms). */
export async function openReview(
  keyring: Keyring,
  token: string,
  now: number,
): Promise<Review | null> {
  const [, text = '', keyId, home = '', eventId = '', sessionId = '', seconds, mac = ''] =
    /^(([\w-]{1,32})\.(\w{1,64})\.([\w-]{36})\.([\w-]{36})\.(\d{1,12}))\.([\w-]{43})$/.exec(
      token,
    ) ?? [];
  // With a leaked secret, somebody could end other people's sessions.
  const keys = eachTrustedSecret(keyring).find(({ id }) => id === keyId);
  if (keys === undefined || !equalDigests(mac, await hmacSha256(keys.review, text))) return null;
  return Number(seconds) * 1000 > now ? { eventId, sessionId, home } : null;
}

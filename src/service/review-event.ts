/**
 * "Was this you?" by a link that a webhook carries, so that a mail can ask: for one event, once,
 * and for a day. Anybody who has the link may answer; it shows that event, and ends that session
 * alone.
 */
import type { Keyring } from '../crypto';
import type { Home } from '../db/d1';
import type { SessionEvent } from '../security-log/read-events';
import { type Answer, answerByLink, readQuestion, UNUSUAL_EVENTS } from '../sessions/answer-event';
import type { Session } from '../sessions/session';
import { openReview, REVIEW_SECONDS, type Review, signReview } from '../tokens/review-token';
import type { Caller } from './caller';
import { whereSessionIs } from './follow-session';
import { homeOf } from './home-of-token';
import { type Refused, type Result, refuse } from './refusal';
import { report, revocationOf } from './report';
import type { Service } from './service';
import { throttleReview } from './throttle';

/** The event that a review link asks about, and its session; null once the session is purged. */
export interface ReviewQuestion {
  event: SessionEvent;
  session: Session | null;
}

/** Makes the review link of an event; null where there is nothing to ask. */
export async function reviewUrlOf(
  issuer: string,
  keyring: Keyring,
  home: Home,
  { id: eventId, type, sessionId, createdAt }: SessionEvent,
): Promise<string | null> {
  if (!UNUSUAL_EVENTS.some((unusual) => unusual === type)) return null;
  const expiresAt = createdAt.getTime() + REVIEW_SECONDS * 1000;
  const token = await signReview(keyring, { eventId, sessionId, home: home.name }, expiresAt);
  return `${issuer}/account/review?token=${token}`;
}

/** Reads the event that a link asks about. Changes nothing. */
export async function readReview(
  caller: Caller,
  service: Service,
  token: string,
): Promise<Result<{ question: ReviewQuestion }>> {
  const opened = await open(caller, service, token);
  if (!opened.ok) return opened;
  const found = await whereSessionIs(caller, service, opened.start, (home) =>
    readQuestion(home, opened.review),
  );
  return found?.result ? { ok: true, question: found.result } : INVALID;
}

/** Keeps the answer; "no" ends the session. The link is good for nothing afterwards. */
export async function answerReview(
  caller: Caller,
  service: Service,
  token: string,
  answer: Answer,
): Promise<Result<{ session: Session | null }>> {
  const opened = await open(caller, service, token);
  if (!opened.ok) return opened;
  const revocation = revocationOf(caller, service);
  const found = await whereSessionIs(caller, service, opened.start, (home) =>
    answerByLink(home, opened.review, answer, revocation),
  );
  if (!found?.result) return INVALID;
  const { events, session } = found.result;
  report(caller, found.home, events);
  return { ok: true, session };
}

const INVALID = refuse({ code: 'invalid_code' });

/** A forgery costs no database call. */
async function open(
  caller: Caller,
  service: Service,
  token: string,
): Promise<Refused | { ok: true; review: Review; start: { home: Home; sessionId: string } }> {
  const review = await openReview(await service.keyring(), token, service.now());
  const home = review && homeOf(caller, service, review.home);
  if (review === null || home === null) return INVALID;
  const { sessionId } = review;
  return (
    (await throttleReview(service, sessionId)) ?? { ok: true, review, start: { home, sessionId } }
  );
}

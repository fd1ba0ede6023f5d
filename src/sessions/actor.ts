/**
 * Support staff who act as a user (RFC 8693 §4.1): who they are, and why they say that they do it.
 * A session that has an actor is theirs, not the user's: it is over within an hour, and counts
 * neither as a device of the user nor in the limit on their sessions.
 */
import * as v from 'valibot';
import { parseJson } from './parse-json';

/** The longest `sub` of an actor, in characters. */
export const MAX_ACTOR_LENGTH = 128;

/** A session of support staff is over after this at the latest. */
export const SUPPORT_SECONDS = 3_600;

/** `user_sessions.act`, as JSON. */
const actorSchema = v.object({
  /** Names the person of the support staff, in whatever way the backend does. */
  sub: v.string(),
  /** The reason, for people to read. */
  reason: v.string(),
});
export type SupportActor = v.InferOutput<typeof actorSchema>;

/** Parses the column `act`. null: it was written by hand, and names nobody. */
export function parseActor(text: string | null): SupportActor | null {
  if (text === null) return null;
  const parsed = v.safeParse(actorSchema, parseJson(text));
  return parsed.success ? parsed.output : { sub: '', reason: '' };
}

/** The fields by which a backend changes live sessions: one, or all of a user's. */
import * as v from 'valibot';
import type { ChangeInput } from '../service/change-sessions';
import { claims, lifetime, metadata } from './fields';

/** Each replaces what was there; null takes it away. */
export const change = {
  claims: v.nullish(claims),
  metadata: v.nullish(metadata),
  /** Seconds from now. An earlier end, never a later one. */
  expires_in: v.optional(lifetime),
  apply: v.optional(v.literal('now', 'can only be now')),
};

type Change = Omit<ChangeInput, 'expiresIn' | 'appliesNow'> & {
  expires_in?: number | undefined;
  apply?: 'now' | undefined;
};

/** A member that is undefined was not sent. */
export function toChangeInput({ expires_in: expiresIn, apply, ...columns }: Change): ChangeInput {
  return {
    ...columns,
    ...(expiresIn !== undefined && { expiresIn }),
    appliesNow: apply === 'now',
  };
}

/** For operators: the homes, moving people between them, and a not-before. */
import { Hono } from 'hono';
import * as v from 'valibot';
import { toIso } from '../../iso-time';
import {
  drainHome,
  endSessionsBefore,
  listHomes,
  moveUser,
  type NotBeforeTarget,
} from '../../service/operate-homes';
import type { Service } from '../../service/service';
import { clientAuth } from '../auth/client-auth';
import { clientCallerOf } from '../caller';
import type { AppEnv } from '../context';
import { ProblemError } from '../errors';
import { actReason, foreignCursor, readJson, uuid } from '../input';
import { toProblemError } from '../refusals';
import { readUserId } from './user-routes';

const moveSchema = v.strictObject({ home: v.string(), reason: actReason });
/**
 * One drain moves so many users and so many guests: each takes up to 18 statements, of which an
 * invocation has 1,000.
 */
const MAX_DRAINED = 25;
const drainSchema = v.strictObject({
  limit: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_DRAINED)),
    MAX_DRAINED,
  ),
  cursor: v.nullish(v.string()),
  reason: actReason,
});
const notBeforeSchema = v.strictObject({
  user_id: v.optional(uuid),
  home: v.optional(v.string()),
  /** Said, so that a member which went missing on its way here ends nobody else's sessions. */
  everyone: v.optional(v.literal(true, 'can only be true')),
  /** Seconds since 1970; now, unless it is given. */
  not_before: v.optional(
    v.pipe(v.number(), v.integer('must be whole seconds since 1970'), v.minValue(0)),
  ),
  reason: actReason,
});

export function operatorRoutes(service: Service): {
  homes: Hono<AppEnv>;
  users: Hono<AppEnv>;
  notBefore: Hono<AppEnv>;
} {
  const operator = clientAuth(service, 'operate');
  const [homes, users, notBefore] = [new Hono<AppEnv>(), new Hono<AppEnv>(), new Hono<AppEnv>()];

  homes.get('/', operator, async (c) => {
    const listed = await listHomes(clientCallerOf(c), service);
    if (!listed.ok) throw toProblemError(listed.refusal);
    return c.json({
      homes: listed.homes.map(({ config, answers, unfinishedMoves }) => ({
        home: config.name,
        regions: config.regions,
        jurisdiction: config.jurisdiction,
        new_users: config.newUsers,
        answers,
        unfinished_moves: unfinishedMoves,
      })),
    });
  });

  /** To be called until `next_cursor` is null. */
  homes.post('/:home/drain', operator, async (c) => {
    const { input } = await readJson(c, drainSchema);
    const after = parseCursor(input.cursor ?? null);
    const which = { home: c.req.param('home'), after, limit: input.limit };
    const drained = await drainHome(clientCallerOf(c), service, which, input.reason ?? null);
    if (!drained.ok) throw toProblemError(drained.refusal);
    c.set('outcome', 'drained');
    const { moved, next } = drained;
    return c.json({ moved, next_cursor: next && `${next.users}.${next.guests}` });
  });

  users.post('/:user_id/move', operator, async (c) => {
    const userId = readUserId(c);
    const { home, reason = null } = (await readJson(c, moveSchema)).input;
    const result = await moveUser(clientCallerOf(c), service, { userId, home }, reason);
    if (!result.ok) throw toProblemError(result.refusal);
    c.set('outcome', result.moved ? 'moved' : 'unchanged');
    return c.json({ user_id: userId, home, moved: result.moved });
  });

  /** Ends what began before a time: of a user, of a home, or of everyone. */
  notBefore.post('/', operator, async (c) => {
    const { input } = await readJson(c, notBeforeSchema);
    const caller = clientCallerOf(c);
    const { not_before: second = null, reason = null } = input;
    const ended = await endSessionsBefore(caller, service, toTarget(input), second, reason);
    if (!ended.ok) throw toProblemError(ended.refusal);
    c.set('outcome', 'outdated');
    return c.json({ not_before: toIso(ended.notBefore) });
  });

  return { homes, users, notBefore };
}

function toTarget(input: v.InferOutput<typeof notBeforeSchema>): NotBeforeTarget {
  const { user_id: userId, home, everyone } = input;
  if ([userId, home, everyone].filter((target) => target !== undefined).length !== 1)
    throw new ProblemError(
      'invalid_request',
      'Name one of user_id, home, and everyone, which is true',
    );
  if (userId !== undefined) return { userId };
  return home === undefined ? 'everyone' : { home };
}

function parseCursor(cursor: string | null) {
  const [, people, guests] = /^(\d{1,15})\.(\d{1,15})$/.exec(cursor ?? '0.0') ?? [];
  if (people === undefined || guests === undefined) throw foreignCursor();
  return { users: Number(people), guests: Number(guests) };
}

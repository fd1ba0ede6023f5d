/**
 * For operators: what the webhooks have not been told yet, what was given up, and another try of
 * that.
 */
import { Hono } from 'hono';
import * as v from 'valibot';
import { DEFAULT_HOME } from '../../db/d1';
import { listDeliveries, replayDeliveries } from '../../service/deliveries';
import type { Service } from '../../service/service';
import { clientAuth } from '../auth/client-auth';
import { clientCallerOf } from '../caller';
import type { AppEnv } from '../context';
import { ProblemError } from '../errors';
import {
  actReason,
  parseLimit,
  parseSequence,
  readJson,
  readQuery,
  uuid,
  validate,
} from '../input';
import { toProblemError } from '../refusals';

const stateSchema = v.object({
  state: v.optional(v.picklist(['pending', 'refused', 'dead'], 'can be pending, refused or dead')),
});
const replaySchema = v.strictObject({
  endpoint: v.optional(v.string()),
  event_id: v.optional(uuid),
  /** Said, so that a member which went missing on its way here replays nothing else. */
  all: v.optional(v.literal(true, 'can only be true')),
  reason: actReason,
});

export function deliveryRoutes(service: Service): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const operator = clientAuth(service, 'operate');

  routes.get('/', operator, async (c) => {
    const {
      state,
      endpoint = null,
      home = DEFAULT_HOME,
      limit,
      cursor,
    } = readQuery(c, ['state', 'endpoint', 'home', 'limit', 'cursor']);
    const filter = { ...validate(stateSchema, { state }), endpoint, eventId: null, home };
    const page = { after: parseSequence(cursor) ?? 0, limit: parseLimit(limit) };
    const listed = await listDeliveries(clientCallerOf(c), service, filter, page);
    if (!listed.ok) throw toProblemError(listed.refusal);
    const { deliveries, next } = listed;
    return c.json({
      deliveries: deliveries.map((delivery) => ({
        event_id: delivery.eventId,
        event_type: delivery.eventType,
        endpoint: delivery.endpoint,
        state: delivery.state,
        attempts: delivery.attempts,
        next_attempt_at: delivery.state === 'dead' ? null : delivery.nextAttemptAt.toISOString(),
        last_error: delivery.lastError,
      })),
      next_cursor: next && String(next),
    });
  });

  routes.post('/replay', operator, async (c) => {
    const { input } = await readJson(c, replaySchema);
    const { endpoint = null, event_id: eventId = null, reason = null } = input;
    if ((endpoint === null && eventId === null) !== (input.all === true))
      throw new ProblemError(
        'invalid_request',
        'Name endpoint, event_id, or else all, which is true',
      );
    const filter = { endpoint, eventId };
    const result = await replayDeliveries(clientCallerOf(c), service, filter, reason);
    if (!result.ok) throw toProblemError(result.refusal);
    return c.json({ replayed: result.replayed });
  });

  return routes;
}

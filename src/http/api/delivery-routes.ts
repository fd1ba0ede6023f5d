/**
 * For operators: what the webhooks have not been told yet, what was given up, and another try of
 * that.
 */
import { Hono } from 'hono';
import * as v from 'valibot';
import { DEFAULT_HOME } from '../../db/d1';
import { queryAll } from '../../homes/query-all';
import { assertAllAnswered } from '../../service/locate';
import type { Service } from '../../service/service';
import { listDeliveries, replayDead } from '../../webhooks/undelivered';
import { clientAuth } from '../auth/client-auth';
import type { AppEnv } from '../context';
import { ProblemError } from '../errors';
import { parseLimit, parseSequence, readJson, readQuery, uuid, validate } from '../input';

const stateSchema = v.object({
  state: v.optional(v.picklist(['pending', 'refused', 'dead'], 'can be pending, refused or dead')),
});
const replaySchema = v.strictObject({
  endpoint: v.optional(v.string()),
  event_id: v.optional(uuid),
  /** Said, so that a member which went missing on its way here replays nothing else. */
  all: v.optional(v.literal(true, 'can only be true')),
});

export function deliveryRoutes(service: Service): Hono<AppEnv> {
  const { config, now } = service;
  const routes = new Hono<AppEnv>();
  const operator = clientAuth(service, 'operate');

  routes.get('/', operator, async (c) => {
    const {
      state,
      endpoint = null,
      home: name = DEFAULT_HOME,
      limit,
      cursor,
    } = readQuery(c, ['state', 'endpoint', 'home', 'limit', 'cursor']);
    const home = service.findHome(name, c.get('caller').meter);
    if (home === null) throw new ProblemError('invalid_request', 'home is not one of this service');
    const filter = { ...validate(stateSchema, { state }), endpoint, eventId: null };
    const page = { after: parseSequence(cursor) ?? 0, limit: parseLimit(limit) };
    const { deliveries, next } = await listDeliveries(service.replicaOf(home), filter, page);
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
    const { endpoint = null, event_id: eventId = null } = input;
    if ((endpoint === null && eventId === null) !== (input.all === true))
      throw new ProblemError(
        'invalid_request',
        'Name endpoint, event_id, or else all, which is true',
      );
    if (endpoint !== null && !config.webhooks.some(({ name }) => name === endpoint))
      throw new ProblemError('invalid_request', 'endpoint is none of WEBHOOKS');
    const filter = { endpoint, eventId };
    const { answered, unavailable } = await queryAll(service.homes(c.get('caller').meter), (home) =>
      replayDead(home, filter, now()),
    );
    const replayed = answered.flatMap(({ home, answer }) =>
      answer.map((id) => ({ home: home.name, eventId: id })),
    );
    c.get('caller').written.push(...replayed);
    assertAllAnswered(unavailable);
    return c.json({ replayed: replayed.length });
  });

  return routes;
}

/** The route of a person's own security log. */

import { listOwnEvents } from '../../calls/own-calls';
import type { Service } from '../../service/service';
import { bearerAuth } from '../auth/bearer-auth';
import type { AppEnv } from '../context';
import { Hono } from '../hono';
import { readListQuery } from '../input';
import { answer } from '../refusals';
import { userCallerOf } from '../request-caller';

export function eventRoutes(service: Service): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.get('/', bearerAuth(service), async (c) =>
    c.json(answer(c, await listOwnEvents.asPerson(userCallerOf(c), service, readListQuery(c)))),
  );
  return routes;
}

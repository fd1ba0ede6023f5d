/** The routes on which a backend acts on a user: calls/user-calls.ts. */

import {
  erase,
  exportAll,
  find,
  list,
  listEvents,
  revokeAll,
  updateAll,
} from '../../calls/user-calls';
import type { Service } from '../../service/service';
import { clientAuth } from '../auth/client-auth';
import type { AppEnv } from '../context';
import { Hono } from '../hono';
import { readMembersOf, readQuery, withNumbers } from '../input';
import { answer } from '../refusals';
import { clientCallerOf } from '../request-caller';
import { readWhose, readWhoseList } from './whose';

export function userRoutes(service: Service): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const backend = clientAuth(service);

  routes.get('/', backend, async (c) => {
    const input = readQuery(c, ['issuer', 'subject']);
    return c.json(answer(c, await find(clientCallerOf(c), service, input)));
  });

  routes.get('/:user_id/sessions', backend, async (c) => {
    const query = readWhoseList(c, ['include', 'client_id', 'device', ...TIMES]);
    const input = withNumbers(query, TIMES);
    return c.json(answer(c, await list(clientCallerOf(c), service, input)));
  });

  routes.get('/:user_id/events', backend, async (c) => {
    const input = readWhoseList(c);
    return c.json(answer(c, await listEvents(clientCallerOf(c), service, input)));
  });

  routes.delete('/:user_id/sessions', backend, async (c) => {
    const input = readWhose(c, ['reason', 'except']);
    return c.json(answer(c, await revokeAll(clientCallerOf(c), service, input)));
  });

  routes.patch('/:user_id/sessions', backend, async (c) => {
    const input = await readMembersOf(c, readWhose(c));
    return c.json(answer(c, await updateAll(clientCallerOf(c), service, input)));
  });

  routes.delete('/:user_id', backend, async (c) => {
    const input = readWhose(c, ['reason']);
    answer(c, await erase(clientCallerOf(c), service, input));
    return c.body(null, 204);
  });

  routes.get('/:user_id/export', backend, async (c) => {
    const input = readWhoseList(c, ['reason']);
    return c.json(answer(c, await exportAll(clientCallerOf(c), service, input)));
  });

  return routes;
}

const TIMES = ['created_after', 'created_before', 'last_used_after', 'last_used_before'];

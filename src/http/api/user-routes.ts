/** What a backend does with a user: calls/user-calls.ts. */
import { Hono } from 'hono';
import { erase, exportAll, list, listEvents, revokeAll, updateAll } from '../../calls/user-calls';
import type { Service } from '../../service/service';
import { clientAuth } from '../auth/client-auth';
import type { AppContext, AppEnv } from '../context';
import { readListQuery, readMembersOf, readQuery } from '../input';
import { answer } from '../refusals';
import { clientCallerOf } from '../request-caller';

export function userRoutes(service: Service): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const backend = clientAuth(service);

  routes.get('/:user_id/sessions', backend, async (c) => {
    const input = { ...ofUser(c), ...readListQuery(c, ['include']) };
    return c.json(answer(c, await list(clientCallerOf(c), service, input)));
  });

  routes.get('/:user_id/events', backend, async (c) => {
    const input = { ...ofUser(c), ...readListQuery(c) };
    return c.json(answer(c, await listEvents(clientCallerOf(c), service, input)));
  });

  routes.delete('/:user_id/sessions', backend, async (c) => {
    const input = { ...ofUser(c), ...readQuery(c, ['reason', 'except']) };
    return c.json(answer(c, await revokeAll(clientCallerOf(c), service, input)));
  });

  routes.patch('/:user_id/sessions', backend, async (c) => {
    const input = await readMembersOf(c, ofUser(c));
    return c.json(answer(c, await updateAll(clientCallerOf(c), service, input)));
  });

  routes.delete('/:user_id', backend, async (c) => {
    answer(c, await erase(clientCallerOf(c), service, actOnUser(c)));
    return c.body(null, 204);
  });

  routes.get('/:user_id/export', backend, async (c) => {
    const input = { ...ofUser(c), ...readListQuery(c, ['reason']) };
    return c.json(answer(c, await exportAll(clientCallerOf(c), service, input)));
  });

  return routes;
}

const actOnUser = (c: AppContext) => ({ ...ofUser(c), ...readQuery(c, ['reason']) });
const ofUser = (c: AppContext) => ({ user_id: c.req.param('user_id') });

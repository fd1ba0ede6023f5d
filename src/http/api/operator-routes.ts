/** The routes of operators: calls/operator-calls.ts. */
import type { Handler } from 'hono';
import type { Call } from '../../calls/call';
import { handOffImported, importSessions } from '../../calls/import-calls';
import * as calls from '../../calls/operator-calls';
import { stats } from '../../calls/stats-call';
import type { Service } from '../../service/service';
import { clientAuth } from '../auth/client-auth';
import type { AppContext, AppEnv } from '../context';
import { Hono } from '../hono';
import { readListQuery, readMembers, readMembersOf, readQuery, withNumbers } from '../input';
import { answer } from '../refusals';
import { clientCallerOf } from '../request-caller';
import { readWhose } from './whose';

/** Below `/v1`. */
export function operatorRoutes(service: Service): Hono<AppEnv> {
  const operator = clientAuth(service);
  const routes = new Hono<AppEnv>();
  const by =
    (call: Call<object>, read: (c: AppContext) => object | Promise<object>): Handler<AppEnv> =>
    async (c) =>
      c.json(answer(c, await call(clientCallerOf(c), service, await read(c))));

  routes.get(
    '/homes',
    operator,
    by(calls.listHomes, () => ({})),
  );
  routes.post(
    '/homes/:home/drain',
    operator,
    by(calls.drainHome, (c) => readMembersOf(c, { home: c.req.param('home') })),
  );
  routes.post(
    '/users/:user_id/move',
    operator,
    by(calls.moveUser, (c) => readMembersOf(c, readWhose(c))),
  );
  routes.post('/import/sessions', operator, by(importSessions, readMembers));
  routes.post('/import/hand-off', operator, by(handOffImported, readMembers));
  routes.post('/not-before', operator, by(calls.setNotBefore, readMembers));
  routes.get(
    '/webhook-deliveries',
    operator,
    by(calls.listDeliveries, (c) => readListQuery(c, ['state', 'endpoint', 'home'])),
  );
  routes.post('/webhook-deliveries/replay', operator, by(calls.replayDeliveries, readMembers));
  routes.get(
    '/signing-keys',
    operator,
    by(calls.listSigningKeys, () => ({})),
  );
  routes.post('/signing-keys/revoke', operator, by(calls.revokeSigningKeys, readMembers));
  routes.get(
    '/audit-events',
    operator,
    by(calls.listAuditEvents, (c) => readListQuery(c)),
  );
  routes.get(
    '/stats',
    operator,
    by(stats, (c) => withNumbers(readQuery(c, ['hours']), ['hours'])),
  );
  return routes;
}

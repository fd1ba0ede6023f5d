/** Sessions: backends start, see and end them; users see and end their own. */

import * as v from 'valibot';
import { jsonObject, uuid } from '../../calls/fields';
import * as own from '../../calls/own-calls';
import {
  authenticate,
  authenticateInBrowser,
  getSession,
  revokeSession,
  updateSession,
} from '../../calls/session-calls';
import { start } from '../../calls/start-calls';
import type { Service } from '../../service/service';
import { bearerAuth } from '../auth/bearer-auth';
import { clientAuth } from '../auth/client-auth';
import { clientOrBearerAuth, isOfClient } from '../auth/client-or-bearer-auth';
import type { AppContext, AppEnv } from '../context';
import { Hono } from '../hono';
import {
  readIdempotencyKey,
  readJson,
  readListQuery,
  readMembersOf,
  readQuery,
  validate,
} from '../input';
import { answer } from '../refusals';
import { clientCallerOf, userCallerOf } from '../request-caller';

export function sessionRoutes(service: Service): Hono<AppEnv> {
  const { config } = service;
  const routes = new Hono<AppEnv>();
  const backend = clientAuth(service);
  const either = clientOrBearerAuth(service);
  addOwnRoutes(routes, service);

  routes.post('/', backend, async (c) => {
    const { input, text } = await readJson(c, jsonObject);
    const key = readIdempotencyKey(c);
    const call = start(key === null ? null : { key, request: text });
    const started = answer(c, await call(clientCallerOf(c), service, input));
    const headers = { Location: `${config.issuer}/v1/sessions/${started.session.id}` };
    return c.json(started, 201, headers);
  });

  routes.post('/:id/authentication', backend, async (c) => {
    const ofSession = await readMembersOf(c, { session_id: readId(c) });
    return 'browser' in ofSession
      ? c.json(answer(c, await authenticateInBrowser(clientCallerOf(c), service, ofSession)))
      : c.json(answer(c, await authenticate(clientCallerOf(c), service, ofSession)));
  });

  routes.get('/:id', either, async (c) => {
    const input = { session_id: readId(c) };
    const found = isOfClient(c)
      ? await getSession(clientCallerOf(c), service, input)
      : await own.current.asPerson(userCallerOf(c), service, input);
    return c.json(answer(c, found));
  });

  routes.patch('/:id', either, async (c) => {
    const input = await readMembersOf(c, { session_id: readId(c) });
    const updated = isOfClient(c)
      ? await updateSession(clientCallerOf(c), service, input)
      : await own.updateOwn.asPerson(userCallerOf(c), service, input);
    return c.json(answer(c, updated));
  });

  routes.delete('/:id', either, async (c) => {
    const input = { session_id: readId(c) };
    if (isOfClient(c)) {
      const act = { ...input, ...readQuery(c, ['reason']) };
      answer(c, await revokeSession(clientCallerOf(c), service, act));
    } else answer(c, await own.revokeOwn.asPerson(userCallerOf(c), service, input));
    return c.body(null, 204);
  });

  return routes;
}

/**
 * The routes on which a person asks of their own sessions. They come before `/:id`, which would
 * take `current` for an id.
 */
function addOwnRoutes(routes: Hono<AppEnv>, service: Service): void {
  const user = bearerAuth(service);

  routes.get('/', user, async (c) =>
    c.json(answer(c, await own.listOwn.asPerson(userCallerOf(c), service, readListQuery(c)))),
  );

  routes.get('/current', user, async (c) =>
    c.json(answer(c, await own.current.asPerson(userCallerOf(c), service, {}))),
  );

  routes.patch('/current', user, async (c) => {
    const input = await readMembersOf(c, { session_id: undefined });
    return c.json(answer(c, await own.updateOwn.asPerson(userCallerOf(c), service, input)));
  });

  routes.delete('/current', user, async (c) => {
    answer(c, await own.revokeOwn.asPerson(userCallerOf(c), service, {}));
    return c.body(null, 204);
  });

  routes.post('/revoke-others', user, async (c) =>
    c.json(answer(c, await own.revokeOthers.asPerson(userCallerOf(c), service, {}))),
  );
}

/** The path's parameter is called `id`, whatever the call's member is called. */
const readId = (c: AppContext) =>
  validate(v.strictObject({ id: uuid }), { id: c.req.param('id') }).id;

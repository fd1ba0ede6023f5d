/**
 * One structured log line a request. It names the route's pattern, never the URL, and nothing that
 * a caller sent but the client that it claimed to be (auth/claimed-client.ts).
 */
import { createMiddleware } from 'hono/factory';
import { routePath } from 'hono/route';
import type { AppEnv } from '../context';
import { newCaller } from '../request-caller';
import { clientIdOf } from './count-refusals';

export const requestLog = () =>
  createMiddleware<AppEnv>(async function requestLog(c, next) {
    const caller = newCaller(c);
    const { requestId, usage } = caller;
    c.set('caller', caller);
    const started = Date.now();
    await next();
    const clientId = clientIdOf(c);
    c.res.headers.set('X-Request-Id', requestId);
    console.log(
      JSON.stringify({
        level: c.res.status >= 500 ? 'error' : 'info',
        event: 'request',
        request_id: requestId,
        cf_ray: c.req.header('cf-ray')?.match(/^[0-9a-f]{16}(-[A-Z]{3})?$/)?.[0],
        method: c.req.method,
        route: routePath(c),
        status: c.res.status,
        client_id: clientId,
        claimed_client_id: clientId === undefined ? c.get('claimedClientId') : undefined,
        outcome: c.get('outcome'),
        d1_round_trips: usage.roundTrips,
        d1_rows_read: usage.rowsRead,
        d1_rows_written: usage.rowsWritten,
        d1_ms: usage.durationMs,
        duration_ms: Date.now() - started,
      }),
    );
  });

/** The audit log, for operators. */
import { Hono } from 'hono';
import { toAuditView } from '../../security-log/event-view';
import { listAuditLog } from '../../service/list-audit-events';
import type { Service } from '../../service/service';
import { clientAuth } from '../auth/client-auth';
import { clientCallerOf } from '../caller';
import type { AppEnv } from '../context';
import { formatCursor, readPage } from '../input';
import { toProblemError } from '../refusals';
import { warnOf } from '../views';

export function auditRoutes(service: Service): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get('/', clientAuth(service, 'operate'), async (c) => {
    const listed = await listAuditLog(clientCallerOf(c), service, readPage(c));
    if (!listed.ok) throw toProblemError(listed.refusal);
    const { page, unavailable } = listed;
    return c.json({
      events: page.events.map(({ event, homes }) => ({ ...toAuditView(event), homes })),
      next_cursor: page.next && formatCursor(page.next),
      ...warnOf(unavailable),
    });
  });

  return routes;
}

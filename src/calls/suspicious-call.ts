/** Lists the events that look like theft, of all people: for the operator console. */
import * as v from 'valibot';
import { toEventView } from '../security-log/event-view';
import { listSuspiciousEvents } from '../service/list-suspicious';
import { defineCall } from './call';
import { paging } from './fields';
import { warnOf } from './views';

export const listSuspicious = defineCall(
  'manage_all',
  v.strictObject({ limit: paging.limit }),
  async (caller, service, { limit }) => {
    const listed = await listSuspiciousEvents(caller, service, limit);
    if (!listed.ok) return listed;
    const { events, unavailable } = listed;
    const value = { events: events.map(toEventView), next_cursor: null, ...warnOf(unavailable) };
    return { ok: true, value };
  },
);

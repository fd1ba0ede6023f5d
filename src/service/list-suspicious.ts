/**
 * Lists the events that look like theft, of all people, for clients that may see every client's
 * sessions.
 */
import { queryAll } from '../homes/query-all';
import type { SessionEvent } from '../security-log/read-events';
import { listSuspicious } from '../security-log/read-suspicious';
import { authorize } from './authorize';
import type { ClientCaller } from './caller';
import type { Result } from './refusal';
import type { Service } from './service';

/**
 * The newest first. `unavailable` are the homes that did not answer. Throws when none does.
 */
export async function listSuspiciousEvents(
  caller: ClientCaller,
  service: Service,
  limit: number,
): Promise<Result<{ events: SessionEvent[]; unavailable: string[] }>> {
  const authorized = authorize(caller.client, 'manage_all');
  if (!authorized.ok) return authorized;
  const replicas = service.homes(caller).map(service.replicaOf);
  const { results, unavailable } = await queryAll(replicas, (replica) =>
    listSuspicious(replica, authorized.grant, limit),
  );
  const events = results
    .flatMap(({ value }) => value)
    .sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime())
    .slice(0, limit);
  return { ok: true, events, unavailable };
}

/** The audit log, for operators: what clients did to other people, in every home. */
import { queryAll } from '../homes/query-all';
import { type AuditPage, listAuditEvents, mergeAuditPages } from '../security-log/read-audit';
import type { Page } from '../sessions/list';
import { authorize } from './authorize';
import type { ClientCaller } from './caller';
import type { Result } from './refusal';
import type { Service } from './service';

/** `unavailable` are the homes that did not answer. Throws when none does. */
export async function listAuditLog(
  caller: ClientCaller,
  service: Service,
  page: Page,
): Promise<Result<{ page: AuditPage; unavailable: string[] }>> {
  const authorized = authorize(caller.client, 'operate');
  if (!authorized.ok) return authorized;
  const replicas = service.homes(caller).map(service.replicaOf);
  const { results, unavailable } = await queryAll(replicas, (replica) =>
    listAuditEvents(replica, authorized.grant, page),
  );
  const pages = results.map(({ home, value }) => ({ home: home.name, rows: value }));
  return { ok: true, page: mergeAuditPages(pages, page), unavailable };
}

/** The numbers of the service, for operators: those of every home, added up. */
import { queryAll } from '../homes/query-all';
import { hourOf } from '../security-log/count-events';
import { type CountRow, readCounts } from '../security-log/read-counts';
import { authorize } from './authorize';
import type { ClientCaller } from './caller';
import type { Service } from './service';

/**
 * Reads the numbers of the last `hours`, the current one among them, which began at `since`
 * (seconds). The numbers of homes that did not answer (`unavailable`) are missing. Throws when none
 * answers.
 */
export async function readStats(caller: ClientCaller, service: Service, hours: number) {
  const authorized = authorize(caller.client, 'operate');
  if (!authorized.ok) return authorized;
  const since = hourOf(Math.floor(service.now() / 1000)) - 3600 * (hours - 1);
  const replicas = service.homes(caller).map(service.replicaOf);
  const { results, unavailable } = await queryAll(replicas, (replica) =>
    readCounts(replica, authorized.grant, since),
  );
  const stats = {
    since,
    counts: addUp(results.flatMap(({ value }) => value.counts)),
    hourly: addUp(results.flatMap(({ value }) => value.hourly)).sort((a, b) => a.hour - b.hour),
    homes: results.map(({ home: { name }, value: { state, runs } }) => ({
      name,
      state: state[0],
      runs,
    })),
    unavailable,
  };
  return { ok: true as const, stats };
}

/** Adds up the rows of several homes that have the same hour, name and label. */
function addUp(rows: readonly CountRow[]): CountRow[] {
  const sums = new Map<string, CountRow>();
  for (const row of rows) {
    const key = `${row.hour} ${row.name} ${row.label}`;
    const { value = 0, total = 0 } = sums.get(key) ?? {};
    sums.set(key, { ...row, value: row.value + value, total: row.total + total });
  }
  return [...sums.values()];
}

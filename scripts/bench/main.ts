/**
 * `npm run bench`: requests a second, latency and D1 round trips of the built service under
 * workerd, as ratios to a bare route and to a bare UPDATE measured in the same run. Options:
 * --seconds (of a round), --rounds, --connections, --only (part of an operation's name; the bare
 * ones are always there), --against (the folder of another checkout, whose Worker's own work is
 * compared with this one's, round by round).
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { closeConnections, printErrors, type Round, run } from './load.ts';
import { type Operation, prepareOperations } from './operations.ts';
import { prepareStubbed } from './stubbed-operations.ts';
import { startWorkers, type Workers } from './workers.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '16' },
    only: { type: 'string', default: '' },
    against: { type: 'string' },
  },
});
const [seconds, rounds, connections] = [values.seconds, values.rounds, values.connections].map(
  Number,
) as [number, number, number];

const against = values.against === undefined ? null : resolve(values.against);
const workers = await startWorkers(against);
try {
  const operations = [
    ...(await prepareOperations(workers, connections)),
    ...(await prepareStubbed(workers)),
  ].filter(({ name }) => name.includes('bare') || name.includes(values.only));
  const roundTrips = await countRoundTrips(workers, operations);
  const measured = new Map<Operation, Round[]>(operations.map((operation) => [operation, []]));
  // Interleaved, so that whatever else the machine does falls on all alike.
  for (let round = 0; round < rounds; round += 1) {
    for (const operation of operations) {
      measured.get(operation)?.push(await run(connections, seconds, operation.step));
      workers.takeLog();
    }
  }
  const errors = print(measured, roundTrips);
  if (errors > 0) {
    console.error(`${errors} answers were not the expected ones`);
    process.exitCode = 1;
  }
} finally {
  closeConnections();
  await workers.stop();
}

/**
 * D1 round trips a request, by the services' own log; the baseline has none, but its UPDATE is one
 * by construction.
 */
async function countRoundTrips(
  { takeLog }: Workers,
  operations: Operation[],
): Promise<Map<Operation, string>> {
  const counts = new Map<Operation, string>();
  for (const operation of operations) {
    takeLog();
    const sent = 10;
    for (let request = 0; request < sent; request += 1) await operation.step(0);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const lines = takeLog().filter(({ event }) => event === 'request');
    const total = lines.reduce((sum, { d1_round_trips }) => sum + (d1_round_trips as number), 0);
    counts.set(operation, lines.length === sent ? (total / sent).toFixed(1) : '-');
  }
  return counts;
}

/** Prints the table and returns how many answers were wrong. */
function print(measured: Map<Operation, Round[]>, roundTrips: Map<Operation, string>): number {
  const rates = new Map(
    [...measured].map(([{ name }, list]) => [
      name,
      median(list.map((round) => round.requests / round.seconds)),
    ]),
  );
  const ratio = (rate: number, to: string) => `${((rates.get(to) ?? 0) / rate).toFixed(2)}x`;
  let errors = 0;
  const rows = [...measured].map(([operation, list]) => {
    const rate = rates.get(operation.name) ?? 0;
    const latencies = list.flatMap((round) => round.latencies).sort((a, b) => a - b);
    const wrong = list.flatMap((round) => round.errors);
    printErrors(operation.name, wrong);
    errors += wrong.length;
    return {
      operation: operation.name,
      'requests/s': Math.round(rate),
      'CPU µs': cpuOf(list),
      'p50 ms': percentile(latencies, 0.5).toFixed(2),
      'p99 ms': percentile(latencies, 0.99).toFixed(2),
      'D1 calls': roundTrips.get(operation),
      'cost to hello': ratio(rate, 'hello (bare Hono)'),
      'cost to UPDATE': ratio(rate, 'single UPDATE (bare D1)'),
      ...(against !== null && { 'speed to before': speedUp(operation, measured) }),
      errors: wrong.length,
    };
  });
  console.table(rows);
  console.log(
    `${rounds} rounds of ${seconds} s, ${connections} connections, load generator on the same machine.`,
  );
  console.log(
    'Costs are ratios of requests/s within this run; under 15 % is noise, and p99 is mostly the scheduler.',
  );
  return errors;
}

/** CPU that workerd took for a request. */
function cpuOf(rounds: Round[]): number | string {
  const all = rounds.map(({ cpuMs, requests }) => cpuMs && (cpuMs * 1000) / requests);
  return all.some((cpu) => cpu === null) ? '-' : Math.round(median(all as number[]));
}

/** How many times less CPU than its counterpart it takes, which was measured right before. */
function speedUp({ counterpart }: Operation, measured: Map<Operation, Round[]>): string {
  const before = [...measured].find(([{ name }]) => name === counterpart)?.[1];
  const own = [...measured].find(([operation]) => operation.counterpart === counterpart)?.[1];
  if (counterpart == null || before === undefined || own === undefined) return '';
  const costOf = ({ cpuMs, seconds, requests }: Round) => (cpuMs ?? seconds) / requests;
  const ratios = own.map((round, index) => costOf(before[index] as Round) / costOf(round));
  return `${median(ratios).toFixed(2)}x`;
}

function median(numbers: number[]): number {
  return percentile(
    [...numbers].sort((a, b) => a - b),
    0.5,
  );
}

function percentile(sorted: number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

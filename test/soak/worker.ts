/**
 * The service as it is deployed, over D1 bindings that fail now and then as D1 does: before a
 * batch, after its commit, or by silence.
 */

import type { Env } from '../../src/env';
import { createApp } from '../../src/http/app';
import { runScheduled } from '../../src/scheduled';

/**
 * Each documented kind: worth another try at once, overload, a fault inside, and the time that a
 * statement may take.
 */
const MESSAGES = [
  'D1_ERROR: Network connection lost.',
  'D1_ERROR: D1 DB reset because its code was updated.',
  'D1_ERROR: Internal error while starting up D1 DB storage caused object to be reset.',
  'D1_ERROR: Internal error in D1 DB storage caused object to be reset.',
  'D1_ERROR: Cannot resolve D1 DB due to transient issue on remote node.',
  'D1_ERROR: D1 DB is overloaded. Requests queued for too long.',
  'D1_ERROR: D1 DB is overloaded. Too many requests queued.',
  'D1_ERROR: D1 DB exceeded its CPU time limit and was reset.',
  'D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset.',
];

// Miniflare, which asks workerd synchronously, would wait for ever while workerd waits for it to
// read the log.
for (const level of ['log', 'warn', 'error'] as const) console[level] = () => {};

const pick = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T;

function withFaults(binding: D1Database, rate: number): D1Database {
  const withSession = (constraint: string) => {
    const session = binding.withSession(constraint);
    const batch = async (statements: D1PreparedStatement[]) => {
      const die = Math.random() / rate;
      if (die < 0.4) throw new Error(pick(MESSAGES));
      // Silence, before the batch or after it.
      if (die < 0.45) await new Promise(() => {});
      const results = await session.batch(statements);
      if (die < 0.9) throw new Error(pick(MESSAGES));
      if (die < 1) await new Promise(() => {});
      return results;
    };
    return { batch, getBookmark: () => session.getBookmark() };
  };
  return {
    prepare: (query: string) => binding.prepare(query),
    withSession,
  } as unknown as D1Database;
}

interface SoakEnv extends Env {
  FAULT_RATE: string;
}

let known: { env: Env; app: ReturnType<typeof createApp> } | null = null;

function open(env: SoakEnv) {
  if (known !== null) return known;
  const faulty: Env = { ...env };
  const rate = Number(env.FAULT_RATE);
  for (const name of ['DB', 'DB_WEUR', 'DB_APAC'] as const)
    faulty[name] = withFaults(env[name] as D1Database, rate);
  known = { env: faulty, app: createApp(faulty) };
  return known;
}

export default {
  fetch: (request, env, ctx) => open(env).app.fetch(request, open(env).env, ctx),
  scheduled: (controller, env) => runScheduled(open(env).env, controller.scheduledTime),
} satisfies ExportedHandler<SoakEnv>;

/**
 * What `npm start` runs: the Worker, and in front of it a page to try it out. It is an entry of its
 * own, so that a deployed Worker has not a byte of it; and it stands aside unless everything is on
 * this machine.
 */
import type { Env } from '../env';
import worker from '../index';
import { isLocalHost } from '../origins';
import { demo } from './demo';
import type { DevEnv } from './dev-env';

const isLocal = (url: string | undefined) => isLocalHost((url && URL.parse(url)?.hostname) || '');

/**
 * The environment with the demo's app in CLIENTS. One for each, because the Worker keeps what
 * belongs to it by the object.
 */
const environments = new WeakMap<DevEnv, Env>();

function withDemoApp(env: DevEnv): Env {
  const known = environments.get(env);
  if (known !== undefined) return known;
  const extended = { ...env, CLIENTS: addDemoApp(env) };
  environments.set(env, extended);
  return extended;
}

/** The demo's backend, which acts for the demo's app too. */
function actFor({ for_clients = [], ...client }: { for_clients?: string[] }) {
  return { ...client, for_clients: [...for_clients, demo.clientId] };
}

function addDemoApp({ CLIENTS, ISSUER = '', DEMO_CLIENT_ID }: DevEnv): string | undefined {
  try {
    const origin = new URL(ISSUER).origin;
    const clients: unknown = JSON.parse(CLIENTS ?? '[]');
    if (!Array.isArray(clients)) return CLIENTS;
    return JSON.stringify([
      ...clients.map((client) => (client.client_id === DEMO_CLIENT_ID ? actFor(client) : client)),
      { client_id: demo.clientId, origins: [origin], return_urls: [ISSUER] },
    ]);
  } catch {
    // The Worker says what is wrong with it.
    return CLIENTS;
  }
}

export default {
  fetch: (request, env, ctx) => {
    if (!isLocal(env.ISSUER) || !isLocal(request.url)) return worker.fetch(request, env, ctx);
    const local = withDemoApp(env);
    return demo.fetch(request, env, (inner) =>
      Promise.resolve(worker.fetch(inner as typeof request, local, ctx)),
    );
  },
  scheduled: (controller, env) => worker.scheduled(controller, env),
} satisfies ExportedHandler<DevEnv>;

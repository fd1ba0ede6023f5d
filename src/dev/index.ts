/**
 * The Worker of `npm start`: the service, and in front of it a page to try it out, and the way to
 * the operator console, which has a route of its own where it is deployed. It is an entry of its
 * own, so that a deployed Worker has not a byte of it; and it stands aside unless everything is on
 * this machine.
 */
import type { Env } from '../env';
import worker, { Sessions as ServiceSessions } from '../index';
import { isLocalHost } from '../origins';
import { demo } from './demo';
import type { DevEnv } from './dev-env';
import { keepLines } from './log-lines';

const isLocal = (url: string | undefined) => isLocalHost((url && URL.parse(url)?.hostname) || '');

/**
 * The environments with the demo's app in CLIENTS, by the host at which a browser sees them: a
 * proxy in front may keep its own. They are kept, because the Worker keeps what belongs to one by
 * the object.
 */
const environments = new WeakMap<DevEnv, Map<string, Env>>();

function withDemoApp(env: DevEnv, host: string): Env {
  const known = environments.get(env) ?? new Map<string, Env>();
  environments.set(env, known);
  const extended = known.get(host) ?? { ...env, CLIENTS: addDemoApp(env, host) };
  // The host is the caller's to choose, and an isolate keeps no more than a few.
  if (known.size < 20) known.set(host, extended);
  return extended;
}

/** The console, as docs/console.md has it, for operators who are signed in to the demo's app. */
const OPERATOR_CONSOLE = {
  client_id: 'console',
  bound: true,
  allow: ['manage_all', 'operate', 'browser_tokens'],
  browser_clients: [demo.client.client_id],
};

/** The demo's backend, which acts for the demo's app too. */
function actFor({ for_clients = [], ...client }: { for_clients?: string[] }) {
  return { ...client, for_clients: [...for_clients, demo.client.client_id] };
}

function addDemoApp(
  { CLIENTS, ISSUER = '', DEMO_CLIENT_ID }: DevEnv,
  host: string,
): string | undefined {
  try {
    const issuer = new URL(ISSUER);
    const origins = [...new Set([issuer.origin, `http://${host}`, `https://${host}`])];
    const returnUrls = origins.map((origin) => origin + issuer.pathname);
    const clients: unknown = JSON.parse(CLIENTS ?? '[]');
    if (!Array.isArray(clients)) return CLIENTS;
    return JSON.stringify([
      ...clients.map((client) => (client.client_id === DEMO_CLIENT_ID ? actFor(client) : client)),
      { ...demo.client, origins, return_urls: returnUrls },
      ...(clients.some(({ client_id }) => client_id === OPERATOR_CONSOLE.client_id)
        ? []
        : [OPERATOR_CONSOLE]),
    ]);
  } catch {
    // The Worker says what is wrong with it.
    return CLIENTS;
  }
}

/** The entrypoint, which knows the demo's app and the console too. */
export class Sessions extends ServiceSessions {
  constructor(ctx: ExecutionContext, env: DevEnv) {
    super(ctx, isLocal(env.ISSUER) ? withDemoApp(env, new URL(env.ISSUER ?? '').host) : env);
  }
}

const isOfConsole = (pathname: string) =>
  pathname === '/console' || pathname.startsWith('/console/');

export default {
  fetch: async (request, env, ctx) => {
    if (!isLocal(env.ISSUER) || !isLocal(request.url)) return worker.fetch(request, env, ctx);
    keepLines();
    const { host, pathname } = new URL(request.url);
    if (isOfConsole(pathname) && env.CONSOLE) return env.CONSOLE.fetch(request);
    const local = withDemoApp(env, host);
    const response = await demo.fetch(request, env, (inner) =>
      Promise.resolve(worker.fetch(inner as typeof request, local, ctx)),
    );
    return stayAt(host, response);
  },
  scheduled: (controller, env) => {
    keepLines();
    return worker.scheduled(controller, env);
  },
} satisfies ExportedHandler<DevEnv>;

/**
 * A redirect within this host says neither its scheme nor its name: a proxy in front may speak
 * https where this does not, and `wrangler dev` puts its own scheme into what it finds there.
 */
function stayAt(host: string, response: Response): Response {
  const target = URL.parse(response.headers.get('location') ?? '');
  if (target?.host !== host) return response;
  const headers = new Headers(response.headers);
  headers.set('location', target.pathname + target.search);
  return new Response(response.body, { status: response.status, headers });
}

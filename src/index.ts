/** The Worker: HTTP requests, the Cron Trigger, and the entrypoint for bound Workers. */
import type { Bindings, Env } from './env';
import { ConfigError } from './faults';
import { createMisconfiguredApp, routesOf } from './http/app';
import { runScheduled } from './scheduled';
import { serviceFor } from './service/instance';

export { Sessions } from './rpc';

type App = ReturnType<typeof routesOf>;

/** An isolate keeps one app for its environment. */
const apps = new WeakMap<Env, App>();

function appFor(env: Env): App {
  const known = apps.get(env);
  if (known !== undefined) return known;
  let app: App;
  try {
    app = routesOf(serviceFor(env));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    app = createMisconfiguredApp(error);
  }
  apps.set(env, app);
  return app;
}

export default {
  fetch: (request, env, ctx) => appFor(env as Env).fetch(request, env, ctx),
  scheduled: (controller, env) => runScheduled(env as Env, controller.scheduledTime),
} satisfies ExportedHandler<Bindings>;

/** The Worker: HTTP requests and the Cron Trigger. */
import type { Bindings, Env } from './env';
import { ConfigError } from './faults';
import { createApp, createMisconfiguredApp } from './http/app';
import { runScheduled } from './scheduled';

type App = ReturnType<typeof createApp>;

/**
 * An isolate keeps one app for its environment, and in it the keys that it has derived and read.
 */
const apps = new WeakMap<Env, App>();

function appFor(env: Env): App {
  const known = apps.get(env);
  if (known !== undefined) return known;
  let app: App;
  try {
    app = createApp(env);
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

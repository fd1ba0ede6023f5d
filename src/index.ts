/** The Worker: HTTP requests, the Cron Trigger, and the entrypoint for bound Workers. */
import type { Bindings, Env } from './env';
import { appFor } from './http/app';
import { runScheduled } from './scheduled';

export { createSessions, type MountedSessions, type MountOptions } from './mount';
export { Sessions } from './rpc';

export default {
  fetch: (request, env, ctx) => appFor(env as Env).fetch(request, env, ctx),
  scheduled: (controller, env) => runScheduled(env as Env, controller.scheduledTime),
} satisfies ExportedHandler<Bindings>;

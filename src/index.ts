/** The Worker: HTTP requests, the Cron Trigger, and the entrypoint for bound Workers. */
import type { Bindings, Env } from './env';
import { appFor } from './http/app';
import { runScheduled } from './scheduled';

export { createSessions, type MountedSessions, type MountOptions } from './mount';
export { Sessions } from './rpc';

/** The whole service, for a Worker of its own, or called by one with the same `Env`. */
export default {
  /** Answers a request. Never throws: what is wrong with the settings is a 503, and in the log. */
  fetch: (request, env, ctx) => appFor(env as Env).fetch(request, env, ctx),
  /**
   * The Cron Trigger: clean-up, signing keys, webhooks. Rejects when a home failed, after all
   * others are done, so that the run is marked failed.
   */
  scheduled: (controller, env) => runScheduled(env as Env, controller.scheduledTime),
} satisfies ExportedHandler<Bindings>;

/**
 * The operator console: a Worker of its own, so that what reaches every person's sessions does not
 * run in the process that signs tokens. docs/console.md says how it is deployed.
 */
import { consoleApp } from './console-app';
import type { ConsoleEnv } from './console-env';

/** The console, for a Worker of its own. */
export default {
  /** Answers an operator's request. Nobody else is shown anything. */
  fetch: (request, env, ctx) => consoleApp.fetch(request, env, ctx),
} satisfies ExportedHandler<ConsoleEnv>;

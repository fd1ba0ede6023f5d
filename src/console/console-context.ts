/** What travels with a request of the console, once its login has been found good. */
import type { Context } from 'hono';
import type { ConsoleEnv } from './console-env';
import type { ConsoleSettings } from './console-settings';
import type { Viewer } from './frame';
import type { Operator } from './operator';

export interface ConsoleAppEnv {
  Bindings: ConsoleEnv;
  Variables: { operator: Operator; settings: ConsoleSettings; viewer: Viewer };
}

export type ConsoleContext = Context<ConsoleAppEnv>;

/** What goes with every call to the service: who asks. */
export const asOperator = (c: ConsoleContext, note: string | null = null) => ({
  operator: c.get('operator').name,
  ...(note !== null && { note }),
});

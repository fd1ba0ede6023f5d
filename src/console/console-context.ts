/** The values of a request of the console, once its login has been found good. */
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Child } from '#jsx/jsx-runtime';
import type { ConsoleEnv } from './console-env';
import type { ConsoleSettings } from './console-settings';
import type { Viewer } from './frame';
import type { Operator } from './operator';

export interface ConsoleAppEnv {
  Bindings: ConsoleEnv;
  Variables: { operator: Operator; settings: ConsoleSettings; viewer: Viewer };
}

export type ConsoleContext = Context<ConsoleAppEnv>;

/** Answers with a page. */
export const show = (c: ConsoleContext, page: Child, status: ContentfulStatusCode = 200) =>
  c.html(`<!doctype html>${page}`, status);

/** How many there were, as an address of the console says after an act; null: it does not say. */
export function countIn(c: ConsoleContext, name: string): number | null {
  const text = c.req.query(name);
  return text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) : null;
}

/** The option of every call to the service that names the operator. */
export const asOperator = (c: ConsoleContext, note: string | null = null) => ({
  operator: c.get('operator').name,
  ...(note !== null && { note }),
});

/**
 * Calling the service as an operator. Environment: SERVICE_URL (http://localhost and PORT, or
 * 8787), CLIENT_ID and CLIENT_SECRET of a client that may operate; without them, those of
 * `.dev.vars`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseEnv } from 'node:util';
import { reach } from './reach.ts';

const MAX_TRIES = 10;

const devVars = resolve(import.meta.dirname, '../.dev.vars');
const local = existsSync(devVars) ? parseEnv(readFileSync(devVars, 'utf8')) : {};
const service = (process.env.SERVICE_URL ?? `http://localhost:${process.env.PORT || 8787}`).replace(
  /\/+$/,
  '',
);
// In a file of an earlier release, the demo's backend may operate.
const [localId, localSecret] =
  local.DEMO_OPERATOR_ID === undefined
    ? [local.DEMO_CLIENT_ID, local.DEMO_CLIENT_SECRET]
    : [local.DEMO_OPERATOR_ID, local.DEMO_OPERATOR_SECRET];
const id = process.env.CLIENT_ID ?? localId ?? '';
const secret = process.env.CLIENT_SECRET ?? localSecret ?? '';
const authorization = `Basic ${btoa(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`)}`;

/** Repeats what could not be decided: every call is safe to repeat. */
export async function ask<T>(method: string, path: string, body?: object): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const response = await reach(service + path, {
      method,
      headers: { authorization, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (response.ok) return response.json() as Promise<T>;
    if (response.status !== 503 || attempt >= MAX_TRIES)
      throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`);
    await sleep(1_000 * Number(response.headers.get('retry-after') ?? 1));
  }
}

/**
 * Calling a service as an operator. Which one: that of `--env` (or CLOUDFLARE_ENV), by the ISSUER
 * that wrangler.toml has for it; else SERVICE_URL; else the one on this machine
 * (http://localhost and PORT, or 8787). Who: CLIENT_ID and CLIENT_SECRET of a client that may
 * operate; on this machine, without them, those of `.dev.vars`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseEnv } from 'node:util';
import { isLocalHost } from '../src/origins.ts';
import { chooseEnvironment, readEnvironment, titleOf } from './environment.ts';
import { reach } from './reach.ts';

const MAX_TRIES = 10;

const root = resolve(import.meta.dirname, '..');

export type Ask = <T>(method: string, path: string, body?: object) => Promise<T>;

/** `option` is what `--env` said. Throws where it is not clear who is to be asked, and as whom. */
export function operate(option: string | undefined): Ask {
  const name = chooseEnvironment(option);
  const isNamed = option !== undefined || name !== '';
  const service = isNamed ? findIssuer(name) : findService();
  const { id, secret } = findCredentials(service, isNamed ? ` of ${titleOf(name)}` : '');
  const authorization = `Basic ${btoa(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`)}`;
  return (method, path, body) => ask(service, authorization, method, path, body);
}

const withoutSlash = (url: string) => url.replace(/\/+$/, '');

function findService(): string {
  return withoutSlash(process.env.SERVICE_URL || `http://localhost:${process.env.PORT || 8787}`);
}

/** The service of an environment. Another one in SERVICE_URL would be asked by mistake. */
function findIssuer(name: string): string {
  const { config, title } = readEnvironment(join(root, 'wrangler.toml'), name);
  const issuer = withoutSlash(String(config.vars.ISSUER ?? ''));
  if (URL.parse(issuer) === null)
    throw new Error(`${title} of wrangler.toml has no ISSUER, by which its service is found`);
  const other = process.env.SERVICE_URL;
  if (other && withoutSlash(other) !== issuer)
    throw new Error(`SERVICE_URL is ${other}, but ${title} is ${issuer}: leave one of them out`);
  return issuer;
}

/** The demo's credentials are for this machine: nobody else is told them. */
function findCredentials(service: string, whose: string): { id: string; secret: string } {
  const { CLIENT_ID: id, CLIENT_SECRET: secret } = process.env;
  if (id && secret) return { id, secret };
  if (!isLocalHost(URL.parse(service)?.hostname ?? ''))
    throw new Error(
      `${service} is asked as a client${whose} that may operate: set CLIENT_ID and CLIENT_SECRET`,
    );
  const file = join(root, '.dev.vars');
  const local = existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {};
  // In a file of an earlier release, the demo's backend may operate.
  const [localId, localSecret] =
    local.DEMO_OPERATOR_ID === undefined
      ? [local.DEMO_CLIENT_ID, local.DEMO_CLIENT_SECRET]
      : [local.DEMO_OPERATOR_ID, local.DEMO_OPERATOR_SECRET];
  return { id: id || localId || '', secret: secret || localSecret || '' };
}

/** Repeats what could not be decided: every call is safe to repeat. */
async function ask<T>(
  service: string,
  authorization: string,
  method: string,
  path: string,
  body?: object,
): Promise<T> {
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

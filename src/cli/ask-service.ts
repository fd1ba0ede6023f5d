/**
 * Calls a service by its HTTP API. The service is that of `--env` (or CLOUDFLARE_ENV), by the
 * ISSUER that the settings have for it; else SERVICE_URL; else the one on this machine
 * (http://localhost and PORT, or 8787). The credentials are CLIENT_ID and CLIENT_SECRET; on this
 * machine, without them, those that `npm start` put into `.dev.vars`; else the person at the
 * terminal is asked.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseEnv } from 'node:util';
import { password, text } from '@clack/prompts';
import { isLocalHost } from '../origins.ts';
import { chooseEnvironment, plainEnvironment, titleOf } from './environment.ts';
import { EXIT, Failure } from './failure.ts';
import { reach } from './reach-url.ts';
import { openSettings } from './settings/settings-file.ts';
import { asked, type Terminal } from './terminal.ts';

const MAX_TRIES = 10;

export type Ask = <T>(method: string, path: string, body?: object) => Promise<T>;

export interface ServiceOptions {
  /** The folder of the deployment. */
  cwd: string;
  /** The value of `--env`. */
  env?: string | undefined;
  /** The URL of the service, where it is known; undefined: it is to be found. */
  service?: string;
}

interface Credentials {
  id: string;
  secret: string;
}

/** The capability that the client has to have, for a person who has to choose one. */
export type Need = 'operate' | 'manage_users' | 'import_sessions';

/** Throws where it is not clear who is to be asked, and as whom. */
export async function askAs(need: Need, options: ServiceOptions, terminal: Terminal): Promise<Ask> {
  const { service, whose } = findService(options);
  const { protocol, hostname = '' } = URL.parse(service) ?? {};
  // The host may be in a private network, so this is a note and no refusal.
  if (protocol === 'http:' && !isLocalHost(hostname))
    terminal.note(
      `note: ${service} is asked by http, so the client's secret can be read on the way`,
    );
  const { id, secret } =
    findCredentials(service, options.cwd, need) ??
    (await askForCredentials(service, whose, need, terminal));
  const authorization = `Basic ${btoa(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`)}`;
  return (method, path, body) => ask({ service, authorization }, method, path, body);
}

/** The URL of the service, and of which environment it is. */
function findService({ cwd, env, service }: ServiceOptions): { service: string; whose: string } {
  if (service !== undefined) return { service, whose: '' };
  const name = chooseEnvironment(env);
  if (env === undefined && name === '') {
    const { SERVICE_URL: given, PORT: port } = process.env;
    return { service: withoutSlash(given || `http://localhost:${port || 8787}`), whose: '' };
  }
  return { service: findIssuer(cwd, name), whose: ` of ${titleOf(name)}` };
}

const withoutSlash = (url: string) => url.replace(/\/+$/, '');

/** The service of an environment. Another one in SERVICE_URL would be asked by mistake. */
function findIssuer(folder: string, name: string): string {
  const { vars, title, file } = plainEnvironment(openSettings(folder), name);
  const issuer = withoutSlash(String(vars.ISSUER ?? ''));
  if (URL.parse(issuer) === null)
    throw new Failure(`${title} of ${file.name} has no ISSUER, by which its service is found`);
  const other = process.env.SERVICE_URL;
  if (other && withoutSlash(other) !== issuer)
    throw new Failure(`SERVICE_URL is ${other}, but ${title} is ${issuer}: leave one of them out`);
  return issuer;
}

/** The demo's credentials are for this machine: nobody else is told them. */
export function findCredentials(service: string, folder: string, need: Need): Credentials | null {
  const { CLIENT_ID: id, CLIENT_SECRET: secret } = process.env;
  if (id && secret) return { id, secret };
  if (!isLocalHost(URL.parse(service)?.hostname ?? '')) return null;
  const file = join(folder, '.dev.vars');
  const local = existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {};
  // In a file of an earlier release, the demo's backend may operate.
  const who = need === 'operate' && local.DEMO_OPERATOR_ID !== undefined ? 'OPERATOR' : 'CLIENT';
  const [localId, localSecret] = [local[`DEMO_${who}_ID`], local[`DEMO_${who}_SECRET`]];
  return localId && localSecret ? { id: id || localId, secret: secret || localSecret } : null;
}

async function askForCredentials(
  service: string,
  whose: string,
  need: Need,
  terminal: Terminal,
): Promise<Credentials> {
  const may = need.replaceAll('_', ' ');
  if (!terminal.isInteractive)
    throw new Failure(
      `${service} is asked as a client${whose} that may ${may}: set CLIENT_ID and CLIENT_SECRET`,
    );
  const output = process.stderr;
  const message = `client_id, of a client${whose} that may ${may} at ${service}`;
  const initialValue = process.env.CLIENT_ID ?? '';
  const id = await asked(text({ message, initialValue, output }));
  return { id, secret: await asked(password({ message: 'its secret', output })) };
}

/** Repeats what could not be decided: every call is safe to repeat. */
async function ask<T>(
  { service, authorization }: { service: string; authorization: string },
  method: string,
  path: string,
  body?: object,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const response = await reach(service + path, {
      method,
      // Where it leads is another service than the one that was named, like the page of a login
      // before it, or its address by https, to which the secret went in the clear.
      redirect: 'manual',
      headers: { authorization, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    const answer = await response.text();
    if (response.ok) return parseAnswer(`${method} ${path}`, answer) as T;
    if (response.status !== 503 || attempt >= MAX_TRIES)
      throw new Failure(
        `${method} ${path} answered ${response.status}: ${toReason(response, answer)}`,
        response.status === 503 ? EXIT.unreachable : EXIT.failed,
      );
    await sleep(1_000 * Number(response.headers.get('retry-after') ?? 1));
  }
}

function parseAnswer(call: string, answer: string): unknown {
  try {
    return answer === '' ? null : JSON.parse(answer);
  } catch {
    throw new Failure(`${call} answered with no JSON: is this the URL of the service?`);
  }
}

/** A page of somebody else may be long. */
const MOST_CHARACTERS = 300;

/** The text of a problem (RFC 9457) for people; of any other answer its beginning. */
function toReason({ status, headers }: Response, answer: string): string {
  const target = headers.get('location');
  if (status < 400 && target !== null)
    return `it leads to ${target}, which is not asked: is this the URL of the service?`;
  try {
    const { code, title, detail } = JSON.parse(answer) as Record<string, string | undefined>;
    if (code !== undefined) return `${code}: ${detail ?? title}`;
  } catch {
    // The answer is no JSON.
  }
  return answer.slice(0, MOST_CHARACTERS);
}

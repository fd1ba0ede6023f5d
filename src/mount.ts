/**
 * The door for an app that has the service inside its own Worker: requests below the path of
 * ISSUER, the Cron Trigger's part, and the calls of backends as functions (docs/mounting.md).
 */
import { env as ownEnv, waitUntil } from 'cloudflare:workers';
import { callsOf } from './calls/calls';
import type { SessionsCalls } from './client/rpc';
import type { Bindings, Env } from './env';
import { appFor } from './http/app';
import { METADATA_NAMES } from './http/oauth/metadata';
import { runScheduled } from './scheduled';
import { serviceFor } from './service/instance';

type BindingName =
  | 'DB'
  | 'ASSETS'
  | 'ANALYTICS'
  | `DB_${string}`
  | Extract<keyof Bindings, `RATE_LIMIT_${string}`>;
type SettingName = Exclude<keyof Bindings, BindingName>;

/** `Name` is what the types of the app's own `Env` call a binding or variable. */
export interface MountOptions {
  /**
   * Which of CLIENTS the app itself is. Its `allow` and `for_clients` say what `operations` may do,
   * as they do for every other client.
   */
  clientId: string;
  /**
   * What the app calls the bindings that the service calls `DB`, `DB_<NAME>`, `RATE_LIMIT_…`,
   * `ASSETS` and `ANALYTICS`; those that are left out have the service's own names, and null is
   * none. A `DB_<NAME>` of the app's own is a home only if it is named here or in `HOMES`.
   */
  bindings?: { readonly [Name in BindingName]?: string | null };
  /**
   * The service's settings, lists and objects as they are or as JSON. Those that are left out are
   * variables of the Worker; secrets belong there.
   */
  settings?: { readonly [Name in SettingName]?: string | number | object };
  /** The Worker's bindings and variables, if not its own: for tests. */
  env?: object;
}

/** The service inside an app's Worker (docs/mounting.md). */
export interface MountedSessions {
  /**
   * Whether a request is the service's: below the path of ISSUER, or for its metadata, which RFC
   * 8414 §3.1 has beside the other well-known documents of the host.
   */
  matches(request: Request): boolean;
  /** Answers a request that `matches`. */
  fetch(request: Request): Promise<Response>;
  /**
   * The service's part of a Cron Trigger. Rejects when a home failed, after all others are done.
   */
  scheduled(controller: Pick<ScheduledController, 'scheduledTime'>): Promise<void>;
  /** The calls of backends, as the client `clientId`. They need no request, and never throw. */
  operations: SessionsCalls;
}

/**
 * The service inside an app's Worker, under the path of ISSUER. To be called once, at the top of a
 * module: it asks for nothing and throws nothing. Where the settings have a mistake, every answer
 * says so (503, or `config_invalid` by value), and the log names it.
 */
export function createSessions(options: MountOptions): MountedSessions {
  const { clientId, env = ownEnv } = options;
  let known: Env | null = null;
  // On first need, because the settings of some platforms are there only while a request is.
  const envOf = () => {
    known ??= toEnv(env, options);
    return known;
  };
  const context = { waitUntil, passThroughOnException() {} } as unknown as ExecutionContext;
  return {
    matches: (request) => isBelow(new URL(request.url).pathname, envOf().ISSUER),
    fetch: async (request) => appFor(envOf()).fetch(request, envOf(), context),
    scheduled: ({ scheduledTime }) => runScheduled(envOf(), scheduledTime),
    operations: callsOf({
      name: 'function',
      service: () => serviceFor(envOf()),
      clientId,
      waitUntil,
    }),
  };
}

/** The environment as the service knows it. */
function toEnv(env: object, { bindings = {}, settings = {} }: MountOptions): Env {
  const given: Record<string, unknown> = { ...env };
  const named = Object.entries(bindings).map(([name, own]) => [name, given[`${own}`]]);
  const set = Object.entries(settings).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, toText(value)]],
  );
  // A database is one home, by one name: under two, its sessions would be moved onto themselves.
  // And a database of the app's own that nobody called a home has no place for any.
  for (const own of Object.values(bindings)) delete given[`${own}`];
  const known = { ...given, ...Object.fromEntries(set) };
  for (const name in given)
    if (/^DB_/.test(name) && !`${known.HOMES}`.includes(`"${name}"`)) delete known[name];
  return { ...known, ...Object.fromEntries(named) } as Env;
}

const toText = (value: string | number | object) =>
  typeof value === 'object' ? JSON.stringify(value) : String(value);

/**
 * Whether a path is below an issuer's; without one, that is every path of the host. Where ISSUER is
 * missing or no URL, nobody knows which are the service's, and all are the app's.
 */
function isBelow(path: string, issuer: string | undefined): boolean {
  const url = URL.parse(issuer ?? '');
  if (url === null) return false;
  const basePath = url.pathname.replace(/\/+$/, '');
  return (
    path === basePath ||
    path.startsWith(`${basePath}/`) ||
    METADATA_NAMES.some((name) => path === `/.well-known/${name}${basePath}`)
  );
}

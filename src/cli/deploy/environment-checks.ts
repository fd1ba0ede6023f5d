/**
 * Finds what an environment of the settings shares with another one by mistake, and what it does
 * not inherit. Each environment is a Worker of its own on the same account.
 */
import { type Environment, titleOf } from '../environment.ts';
import type { RawEnvironment, RawSettings } from '../settings/settings-file.ts';
import { isPlaceholder } from './plan.ts';

/** The things that must belong to one environment alone. */
interface Belongings {
  title: string;
  account: string;
  worker: string;
  issuer: string;
  routes: readonly string[];
  databases: readonly { binding: string; name: string; id: string }[];
  limits: readonly { binding: string; namespace: string }[];
}

/** The things that this environment would take from another one, each in a sentence. */
export function findShared({ name, raw }: Pick<Environment, 'name' | 'raw'>): string[] {
  const own = toBelongings(raw, name);
  const others = ['', ...Object.keys(raw.env ?? {})].filter((other) => other !== name);
  return [
    ...findSharedLimits(own, own),
    ...others.flatMap((other) => compare(own, toBelongings(raw, other))),
  ];
}

function compare(own: Belongings, other: Belongings): string[] {
  const faults: string[] = [];
  const told = (what: string, mend: string) =>
    faults.push(`${own.title} has ${what} of ${other.title}: ${mend}`);
  for (const route of own.routes.filter((route) => other.routes.includes(route)))
    told(`the route ${route}`, 'a route leads to one Worker; give it its own, or `routes = []`');
  if (own.issuer !== '' && own.issuer === other.issuer)
    told('the ISSUER', 'tokens of one would be looked for at the other');
  if (own.account !== other.account) return faults;
  if (own.worker === other.worker)
    told(`the name ${own.worker}`, 'it would be deployed in its place');
  for (const database of own.databases)
    for (const { binding } of other.databases.filter((theirs) => isOne(database, theirs)))
      told(
        `for ${database.binding} the database ${binding}`,
        'each environment needs databases of its own',
      );
  return [...faults, ...findSharedLimits(own, other)];
}

/** Limits with one `namespace_id` count together, on the whole account. */
function findSharedLimits(own: Belongings, other: Belongings): string[] {
  return own.limits.flatMap(({ binding, namespace }, index) => {
    const theirs = own === other ? own.limits.slice(0, index) : other.limits;
    return theirs
      .filter((limit) => limit.namespace === namespace)
      .map(
        (limit) =>
          `${binding} of ${own.title} and ${limit.binding} of ${other.title} have one namespace_id, and would count together: give each a number of its own`,
      );
  });
}

function isOne(
  own: Belongings['databases'][number],
  theirs: Belongings['databases'][number],
): boolean {
  if (isPlaceholder(theirs.id)) return false;
  return isPlaceholder(own.id) ? own.name === theirs.name : own.id === theirs.id;
}

function toBelongings(raw: RawSettings, name: string): Belongings {
  const own: RawEnvironment = name === '' ? raw : (raw.env?.[name] ?? {});
  // Routes, the account and the name are inherited, the latter with the environment's behind it.
  const routes = own.routes ?? (own.route === undefined ? undefined : [own.route]);
  const inherited = raw.routes ?? (raw.route === undefined ? [] : [raw.route]);
  const { ISSUER: issuer } = own.vars ?? {};
  const isLocal = /^http:\/\/(.+\.)?localhost(:|\/|$)/.test(String(issuer));
  return {
    title: titleOf(name),
    account: own.account_id ?? raw.account_id ?? '',
    worker: (name === '' ? raw.name : (own.name ?? `${raw.name}-${name}`)) ?? '',
    issuer: typeof issuer === 'string' && !isLocal ? issuer.replace(/\/+$/, '') : '',
    routes: (routes ?? inherited).map((route) =>
      typeof route === 'string' ? route : route.pattern,
    ),
    databases: (own.d1_databases ?? []).map(({ binding, database_name, database_id = '' }) => ({
      binding,
      name: database_name ?? binding,
      id: database_id,
    })),
    limits: (own.ratelimits ?? []).map(({ name: binding, namespace_id: namespace }) => ({
      binding,
      namespace,
    })),
  };
}

/** The settings of the top level that have no effect here, and that nothing replaces. */
export function findNotInherited({ name, raw, config, above }: Environment): string[] {
  const missing = Object.keys(raw)
    .filter((key) => key !== 'env')
    .flatMap((key) => findMissing(key, settingOf(above, key), settingOf(config, key)));
  return missing.length === 0
    ? []
    : [
        `${titleOf(name)} inherits neither variables nor bindings, and is without ${missing.join(', ')} of the top level`,
      ];
}

const settingOf = (config: object, key: string) => (config as Record<string, unknown>)[key];

/**
 * The missing parts of a setting: variables and bindings by their names, else the setting itself.
 */
function findMissing(key: string, above: unknown, own: unknown): string[] {
  if (key === 'vars')
    return Object.keys(above as object).filter((variable) => !(variable in (own as object)));
  if (Array.isArray(above) && Array.isArray(own)) {
    const present = own.map(toName);
    return above.map(toName).filter((binding) => binding !== '' && !present.includes(binding));
  }
  return isEmpty(own) && !isEmpty(above) ? [key] : [];
}

/** The name of a binding. Routes and the like have none, and are inherited as a whole. */
function toName(entry: unknown): string {
  const { binding, name } = (entry ?? {}) as { binding?: unknown; name?: unknown };
  return String(binding ?? name ?? '');
}

/** Whether wrangler filled a setting in: with nothing, or objects and lists that hold nothing. */
function isEmpty(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return value === undefined;
  return Object.values(value).every((member) => isEmpty(member));
}

/** `HOMES`: the databases that sessions live in, and who begins in each. */
import * as v from 'valibot';
import { parseList } from './json-list';

/** Where D1 databases can be: its location hints. */
export const REGIONS = ['wnam', 'enam', 'weur', 'eeur', 'apac', 'oc'] as const;
export type Region = (typeof REGIONS)[number];

/** Where the law wants the data to be, as D1 knows it. */
export const JURISDICTIONS = ['eu', 'fedramp', 'us'] as const;

/**
 * The users who begin in a home: those who are near, those whom a backend names it for, or none,
 * because it is being drained.
 */
const NEW_USERS = ['any', 'named', 'none'] as const;

/** A database that sessions live in. */
export interface HomeConfig {
  /** The name of the binding. Tokens carry it. */
  name: string;
  binding: D1Database;
  regions: readonly Region[];
  jurisdiction: (typeof JURISDICTIONS)[number] | null;
  newUsers: (typeof NEW_USERS)[number];
}

const homesSchema = v.array(
  v.strictObject({
    home: v.string(),
    regions: v.optional(v.array(v.picklist(REGIONS)), []),
    jurisdiction: v.optional(v.picklist(JURISDICTIONS)),
    new_users: v.optional(v.picklist(NEW_USERS), 'any'),
  }),
);

/**
 * Every D1 binding `DB` or `DB_<NAME>` is a home, whether HOMES says anything of it or not: tokens
 * may name it.
 */
export function parseHomes(
  text: string | undefined,
  bindings: object,
  mistakes: string[],
): ReadonlyMap<string, HomeConfig> {
  const homes = new Map<string, HomeConfig>();
  for (const [name, binding] of Object.entries(bindings).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!/^DB(_[A-Z0-9_]{1,32})?$/.test(name) || !isDatabase(binding)) continue;
    homes.set(name, {
      name,
      binding,
      regions: [],
      jurisdiction: null,
      newUsers: name === 'DB' ? 'any' : 'named',
    });
  }
  if (!homes.has('DB')) mistakes.push('DB is missing: bind a D1 database under this name');
  const described = new Set<string>();
  for (const { home: name, regions, jurisdiction = null, new_users } of parseList(
    'HOMES',
    homesSchema,
    text,
    mistakes,
  )) {
    const home = homes.get(name);
    if (home === undefined)
      mistakes.push(`HOMES: there is no D1 binding of the name ${JSON.stringify(name)}`);
    else homes.set(name, { ...home, regions, jurisdiction, newUsers: new_users });
    if (described.has(name)) mistakes.push(`HOMES: ${JSON.stringify(name)} is there twice`);
    described.add(name);
  }
  if (homes.has('DB') && ![...homes.values()].some(({ newUsers }) => newUsers === 'any'))
    mistakes.push('HOMES: one home at least must take any new users');
  return homes;
}

function isDatabase(binding: unknown): binding is D1Database {
  return typeof binding === 'object' && binding !== null && 'prepare' in binding;
}

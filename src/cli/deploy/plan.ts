/** The databases that have to be made before a deployment, by the settings and HOMES. */
import { Failure } from '../failure.ts';

export interface DatabasePlan {
  binding: string;
  /** The command that makes it; null: it is there. */
  create: string[] | null;
}

export const toMigrate = ({ binding }: DatabasePlan) => [
  'd1',
  'migrations',
  'apply',
  binding,
  '--remote',
];
export const PUT_SECRET = ['secret', 'put', 'SESSION_SECRET'];
export const DEPLOY = ['deploy', '--minify'];

/** An id that nobody has filled in yet. */
const PLACEHOLDER = /^0{8}(-0{4}){3}-0{11}[0-9]$/;

/** Whether a database has still to be made. */
export function isPlaceholder(id = ''): boolean {
  return id === '' || PLACEHOLDER.test(id);
}

/** Throws when HOMES is no JSON array, or describes what is not bound. */
export function planDatabases(
  databases: readonly {
    binding: string;
    database_name?: string | undefined;
    database_id?: string | undefined;
  }[],
  homes: string | undefined,
  fileName = 'wrangler.toml',
): DatabasePlan[] {
  const described = JSON.parse(homes || '[]') as {
    home: string;
    regions?: string[];
    jurisdiction?: string;
  }[];
  for (const { home } of described) {
    if (!databases.some(({ binding }) => binding === home))
      throw new Failure(`HOMES names ${home}, which is no d1_databases binding in ${fileName}`);
  }
  return databases.map(({ binding, database_name = binding, database_id }) => {
    if (!isPlaceholder(database_id)) return { binding, create: null };
    const { regions: [region] = [], jurisdiction } =
      described.find(({ home }) => home === binding) ?? {};
    // A jurisdiction overrides a location hint.
    const where = jurisdiction
      ? [`--jurisdiction=${jurisdiction}`]
      : region
        ? [`--location=${region}`]
        : [];
    return { binding, create: ['d1', 'create', database_name, ...where] };
  });
}

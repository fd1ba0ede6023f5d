/** What has to be made before a deployment, as wrangler.toml and HOMES tell it. */

export interface DatabasePlan {
  binding: string;
  /** The command that makes it; null: it is there. */
  create: string[] | null;
}

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
): DatabasePlan[] {
  const described = JSON.parse(homes || '[]') as {
    home: string;
    regions?: string[];
    jurisdiction?: string;
  }[];
  for (const { home } of described) {
    if (!databases.some(({ binding }) => binding === home))
      throw new Error(`HOMES names ${home}, which is no [[d1_databases]] binding in wrangler.toml`);
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

/**
 * wrangler.toml with the id of a database in its place. Everything else stays as it is, comments
 * too.
 */
export function withDatabaseId(toml: string, binding: string, id: string): string {
  const blocks = toml.split(/(?=^\[)/m);
  const index = blocks.findIndex(
    (block) =>
      block.startsWith('[[d1_databases]]') &&
      new RegExp(`^binding = "${binding}"$`, 'm').test(block),
  );
  const block = blocks[index];
  if (block === undefined)
    throw new Error(`wrangler.toml has no [[d1_databases]] with binding = "${binding}"`);
  blocks[index] = /^database_id = /m.test(block)
    ? block.replace(/^database_id = .*$/m, `database_id = "${id}"`)
    : block.replace(/^(binding = .*)$/m, `$1\ndatabase_id = "${id}"`);
  return blocks.join('');
}

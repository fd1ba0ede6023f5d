/** The one value of the settings that a deployment writes (src/cli/deploy/database-id.ts). */
import { expect, it } from 'vitest';
import { withDatabaseId } from '../../src/cli/deploy/database-id.ts';
import { parseSettings } from '../../src/cli/settings/settings-file.ts';

const PLACEHOLDER = '00000000-0000-0000-0000-000000000000';
const ID = '3f2a51c8-7f0e-4a60-8f54-0a6a8a5f8e11';
const TOML = `# a comment
[[d1_databases]]
binding = "DB"
database_id = "${PLACEHOLDER}"

[[d1_databases]]
binding = 'DB_EU' # of Europe
database_name = "b"

[[env.staging.d1_databases]]
binding = "DB"
database_id = "${PLACEHOLDER}" # staging's

  [[ env."eu-1".d1_databases ]]
  binding = "DB"
  database_id='${PLACEHOLDER}'
`;

const settings = (text: string) => parseSettings('wrangler.toml', text);

it.each([
  ['', 'DB', `"DB"\ndatabase_id = "${PLACEHOLDER}"\n\n`, `"DB"\ndatabase_id = "${ID}"\n\n`],
  ['', 'DB_EU', "'DB_EU' # of Europe\n", `'DB_EU' # of Europe\ndatabase_id = "${ID}"\n`],
  ['staging', 'DB', `"${PLACEHOLDER}" # staging's`, `"${ID}" # staging's`],
  ['eu-1', 'DB', `'${PLACEHOLDER}'`, `"${ID}"`],
])(
  'of environment "%s", %s, is written into its own block, and nothing else is',
  (environment, binding, before, after) => {
    for (const ends of ['\n', '\r\n']) {
      const withEnds = (text: string) => text.replaceAll('\n', ends);
      expect(withDatabaseId(settings(withEnds(TOML)), environment, binding, ID)).toBe(
        withEnds(TOML.replace(before, after)),
      );
    }
  },
);

it.each([
  ['a binding that is not there', TOML, 'DB_MARS'],
  ['a list in one line', 'd1_databases = [{ binding = "DB" }]\n', 'DB'],
])('refuses %s', (_, toml, binding) => {
  expect(() => withDatabaseId(settings(toml), '', binding, ID)).toThrow(
    `the id of ${binding} of the top level cannot be written into wrangler.toml`,
  );
});

it('a text that looks like a block is none', () => {
  const text = `TEXT = """\n[[d1_databases]]\nbinding = "DB"\n"""\n`;
  expect(withDatabaseId(settings(text + TOML), '', 'DB', ID)).toBe(
    text + withDatabaseId(settings(TOML), '', 'DB', ID),
  );
});

it('wrangler.jsonc is written into in the same way, and keeps its comments', () => {
  const jsonc = `{
	// Where sessions live.
	"d1_databases": [{ "binding": "DB", "migrations_dir": "migrations" }, /* of Europe */
		{ "binding": "DB_EU", "database_id": "${PLACEHOLDER}" }],
}
`;
  const file = parseSettings('wrangler.jsonc', jsonc);
  expect(withDatabaseId(file, '', 'DB_EU', ID)).toBe(jsonc.replace(PLACEHOLDER, ID));
  const added = withDatabaseId(file, '', 'DB', ID);
  expect(added).toContain('// Where sessions live.');
  expect(added).toContain('/* of Europe */');
  expect(parseSettings('wrangler.jsonc', added).raw.d1_databases?.[0]).toEqual({
    binding: 'DB',
    database_id: ID,
    migrations_dir: 'migrations',
  });
});

/** The one line of wrangler.toml that a deployment writes (scripts/deploy/database-id.ts). */
import { expect, it } from 'vitest';
import { withDatabaseId } from '../../scripts/deploy/database-id.ts';

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
      expect(withDatabaseId(withEnds(TOML), environment, binding, ID)).toBe(
        withEnds(TOML.replace(before, after)),
      );
    }
  },
);

it.each([
  ['a binding that is not there', TOML, 'DB_MARS'],
  ['a list in one line', 'd1_databases = [{ binding = "DB" }]\n', 'DB'],
  ['a block inside a text', `TEXT = """\n[[d1_databases]]\nbinding = "DB"\n"""\n${TOML}`, 'DB'],
])('refuses %s', (_, toml, binding) => {
  expect(() => withDatabaseId(toml, '', binding, ID)).toThrow(
    `the id of ${binding} of the top level cannot be written into wrangler.toml`,
  );
});

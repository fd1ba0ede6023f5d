/** The id of a database that was made, written into the settings where its environment has it. */
import { titleOf } from '../environment.ts';
import { Failure } from '../failure.ts';
import { type SettingsFile, withSetting } from '../settings/settings-file.ts';

/**
 * The text of the settings with the id at this binding of this environment ('' is the top level).
 * Everything else stays as it is. Throws where that cannot be done.
 */
export function withDatabaseId(
  file: SettingsFile,
  environment: string,
  binding: string,
  id: string,
): string {
  const own = environment === '' ? file.raw : file.raw.env?.[environment];
  const index = own?.d1_databases?.findIndex((database) => database.binding === binding) ?? -1;
  const above = environment === '' ? [] : ['env', environment];
  try {
    if (index < 0) throw new Failure(`there is no ${binding}`);
    return withSetting(file, [...above, 'd1_databases', index, 'database_id'], id, 'binding');
  } catch {
    throw new Failure(
      `the id of ${binding} of ${titleOf(environment)} cannot be written into ${file.name}: give it a block ${headerOf(environment)} of its own, with binding = "${binding}" on a line`,
    );
  }
}

const headerOf = (environment: string) =>
  environment === '' ? '[[d1_databases]]' : `[[env.${environment}.d1_databases]]`;

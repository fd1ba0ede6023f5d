/** Checks the settings themselves. */
import { findFaults } from '../deploy/file-checks.ts';
import { findMistakes } from '../service-rules.ts';
import type { RawEnvironment } from '../settings/settings-file.ts';
import { about, type Finding } from './finding.ts';
import type { Patient } from './patient.ts';

export function checkSettings(patient: Patient): Finding[] {
  return [...checkConfiguration(patient), ...checkBindings(patient)];
}

function checkConfiguration({ folder, environment, vars, isLocal }: Patient): Finding[] {
  const { ok, problem } = about('configuration');
  const { databases, file, title, vars: written } = environment;
  const bindings = databases.map(({ binding }) => binding);
  const faults = findFaults({ vars: written, d1_databases: databases }, folder, file.name);
  const where = isLocal ? `${file.name} or .dev.vars` : file.name;
  const found = [
    // On this machine the service may well be at localhost.
    ...faults.filter((fault) => !isLocal || !fault.startsWith('ISSUER in ')),
    ...findMistakes(vars, bindings),
  ];
  return found.length === 0
    ? [ok(`${title} of ${file.name} is what the service takes`)]
    : found.map((mistake) => problem(mistake, `mend it in ${where}, and deploy`));
}

function checkBindings({ environment }: Patient): Finding[] {
  const { ok, problem, note } = about('bindings');
  const { file, own, databases } = environment;
  const { raw } = file;
  // Environments inherit these, and no bindings.
  const inherited = <K extends keyof RawEnvironment>(key: K) => own[key] ?? raw[key];
  const findings: Finding[] = [];
  if (!databases.some(({ binding }) => binding === 'DB'))
    findings.push(
      problem('there is no database DB', `add a d1_databases block with binding = "DB"`),
    );
  if (inherited('assets')?.binding !== 'ASSETS')
    findings.push(
      note(
        'there are no ASSETS: the pages for people are English alone',
        'docs/account-page.md#languages',
      ),
    );
  const limits = (own.ratelimits ?? []).map(({ name }) => name);
  for (const limit of ['RATE_LIMIT_SESSION_REFRESHES', 'RATE_LIMIT_FAILED_REFRESHES'])
    if (!limits.includes(limit))
      findings.push(
        note(`there is no ${limit}: floods are not braked`, 'docs/security-log.md#floods'),
      );
  if ((inherited('triggers')?.crons ?? []).length === 0)
    findings.push(
      problem(
        'there is no cron: nothing is cleaned up, and no key rotates',
        'add triggers with crons = ["*/15 * * * *"]',
      ),
    );
  const names = [...databases.map(({ binding }) => binding), ...limits];
  return findings.length === 0 ? [ok(names.join(', '))] : findings;
}

/** Which migrations each database lacks, as wrangler knows it. */
import { type Wrangler, wranglerIn } from '../deploy/wrangler.ts';
import { about, type Finding } from './finding.ts';
import type { Patient } from './patient.ts';

export function checkMigrations(patient: Patient, persistTo: string | undefined): Finding[] {
  const { folder, environment, isLocal } = patient;
  const wrangler = wranglerIn(folder, environment.file.name, environment.name);
  const where = isLocal ? '--local' : '--remote';
  const persistence = isLocal && persistTo !== undefined ? ['--persist-to', persistTo] : [];
  return environment.databases.map(({ binding }) =>
    checkOne(wrangler, binding, [where, ...persistence]),
  );
}

function checkOne(wrangler: Wrangler, binding: string, options: string[]): Finding {
  const { ok, problem, skipped } = about('migrations');
  try {
    const said = wrangler.run(['d1', 'migrations', 'list', binding, ...options]);
    if (/No migrations to apply/i.test(said)) return ok(`${binding} has all of them`);
    const missing = [...new Set(said.match(/\d{4}_[\w-]+\.sql/g) ?? [])];
    const apply = wrangler.spell(['d1', 'migrations', 'apply', binding, ...options]);
    return problem(
      `${binding} lacks ${missing.length === 0 ? 'some' : missing.join(', ')}`,
      options.includes('--remote')
        ? `deploy, or: npx ${apply}`
        : `npx ${apply}, which npm run dev does too`,
    );
  } catch (error) {
    const [line = ''] = (error as Error).message
      .split('\n')
      .filter((text) => /ERROR|not installed|failed/.test(text))
      .slice(-1);
    return skipped(
      `${binding} could not be asked: ${line.trim()}`,
      'sign in with `npx wrangler login`, or set CLOUDFLARE_API_TOKEN',
    );
  }
}

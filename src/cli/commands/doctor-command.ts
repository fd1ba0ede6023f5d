/** `edge-sessions doctor`: whether a deployment is well, and what to do where it is not. */
import { resolve } from 'node:path';
import { askAs, findCredentials } from '../ask-service.ts';
import { type EnvironmentOptions, newEnvironmentCommand } from '../command.ts';
import { checkMigrations } from '../doctor/database-checks.ts';
import type { Finding } from '../doctor/finding.ts';
import { checkOutside } from '../doctor/outside-checks.ts';
import { examine, type Patient } from '../doctor/patient.ts';
import { checkService } from '../doctor/service-checks.ts';
import { checkSettings } from '../doctor/settings-checks.ts';
import { checkSites } from '../doctor/site-checks.ts';
import { chooseEnvironment } from '../environment.ts';
import { EXIT } from '../failure.ts';
import { toPlainText } from '../plain-text.ts';
import { openTerminal, type Terminal } from '../terminal.ts';

interface Options extends EnvironmentOptions {
  local?: boolean;
  migrations: boolean;
  persistTo?: string;
}

export const doctorCommand = () =>
  newEnvironmentCommand('doctor', 'whether a deployment is well, and what to do where it is not', [
    'edge-sessions doctor',
    'edge-sessions doctor --local',
    'CLIENT_ID=operator CLIENT_SECRET=… edge-sessions doctor --env staging --json',
  ])
    .option('--local', 'the one that runs on this machine')
    .option('--persist-to <folder>', 'where its databases are kept, on this machine')
    .option('--no-migrations', 'do not ask which migrations are applied')
    .action(run);

async function run(options: Options): Promise<void> {
  const terminal = openTerminal(options);
  const name = chooseEnvironment(options.env);
  const patient = await asOperator(examine(options.cwd, name, options.local === true), terminal);
  const findings = await examineAll(patient, options, terminal);
  const problems = findings.filter(({ status }) => status === 'problem').length;
  const service = patient.service;
  terminal.answer({ service, problems, findings }, toReport(findings, problems, terminal));
  if (problems > 0) process.exitCode = EXIT.unhealthy;
}

/** Some of it only an operator is told. Nobody is asked for credentials. */
async function asOperator(patient: Patient, terminal: Terminal): Promise<Patient> {
  const { service, folder } = patient;
  if (service === '' || findCredentials(service, folder, 'operate') === null) return patient;
  return { ...patient, ask: await askAs('operate', { cwd: folder, service }, terminal) };
}

async function examineAll(
  patient: Patient,
  { migrations, persistTo, cwd }: Options,
  terminal: Terminal,
): Promise<Finding[]> {
  const progress = terminal.progress(`looking at ${patient.service || cwd}`, 4);
  const findings = [...checkSettings(patient), ...checkSites(patient)];
  progress.step('the databases');
  const state = persistTo === undefined ? undefined : resolve(cwd, persistTo);
  if (migrations) findings.push(...checkMigrations(patient, state));
  progress.step('the service');
  findings.push(...(await checkService(patient)));
  progress.step('whom it asks and tells');
  findings.push(...(await checkOutside(patient)));
  progress.done('looked at');
  return findings;
}

const MARKS = {
  ok: ['green', 'ok'],
  problem: ['red', 'problem'],
  note: ['yellow', 'note'],
  skipped: ['dim', 'skipped'],
} as const;

function toReport(findings: Finding[], problems: number, { paint }: Terminal): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, status, detail, advice }) => {
    const [style, mark] = MARKS[status];
    const line = `${paint(style, mark.padEnd(7))}  ${check.padEnd(width)}  ${toPlainText(detail)}`;
    return advice === undefined
      ? [line]
      : [line, `${' '.repeat(11 + width)}→ ${toPlainText(advice)}`];
  });
  const sum = problems === 0 ? 'It is well.' : `${problems} to be mended.`;
  return `${lines.join('\n')}\n\n${sum}`;
}

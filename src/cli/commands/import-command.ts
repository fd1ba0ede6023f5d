/**
 * `edge-sessions import`: the live sessions of another system go on here. It may be run again,
 * because sessions that were taken in are not taken twice. The steps around it:
 * docs/coming-from-elsewhere.md.
 */
import { password } from '@clack/prompts';
import { Option } from 'commander';
import { askAs } from '../ask-service.ts';
import { type EnvironmentOptions, newEnvironmentCommand } from '../command.ts';
import { Failure } from '../failure.ts';
import { bringSessions, type Destination, toInput } from '../import/bring-sessions.ts';
import { SYSTEMS } from '../import/other-systems.ts';
import { readExport } from '../import/read-export.ts';
import { toTable } from '../table.ts';
import { asked, openTerminal, type Terminal } from '../terminal.ts';

interface Options extends EnvironmentOptions {
  from: string;
  file: string;
  client?: string;
  issuer?: string;
  home?: string;
  table?: string;
  user: string;
  unsigned?: boolean;
  dryRun?: boolean;
}

export const importCommand = () =>
  newEnvironmentCommand(
    'import',
    'the live sessions of another system, so that nobody is signed out',
    [
      'edge-sessions import --from better-auth --file auth.sqlite --client web-app --issuer https://app.example --dry-run',
      'edge-sessions import --from supabase --file sessions.json --client ios-app',
    ],
  )
    .addOption(
      new Option('--from <system>', 'where they come from')
        .choices(Object.keys(SYSTEMS))
        .makeOptionMandatory(),
    )
    .requiredOption('--file <export>', 'a JSON array or JSON lines of rows, or an SQLite database')
    .option('--client <client_id>', 'the app that they are for (default: the client that asks)')
    .option('--issuer <url>', 'names people by it and the other system’s ids, which are no UUIDs')
    .option('--home <name>', 'the database of people whom the service does not know')
    .option('--table <name>', 'of the SQLite database, where it is called otherwise')
    .option(
      '--user <path>',
      'of express-session: where the data has the user’s id',
      'passport.user',
    )
    .option('--unsigned', 'the app presents the token without the signature of its cookie')
    .option('--dry-run', 'says what would be brought, and brings nothing')
    .action(bring);

interface Report {
  rows: number;
  taken: number;
  already_there: number;
  /** The number of a dry run, in place of the two. */
  to_bring?: number;
  left: { row: number; user: string | null; reason: string }[];
}

async function bring(options: Options): Promise<void> {
  const terminal = openTerminal(options);
  const { report, inputs, rowOf } = await readInputs(options, terminal);
  if (options.dryRun) report.to_bring = inputs.length;
  else if (inputs.length > 0) {
    const ask = await askAs('import_sessions', options, terminal);
    const progress = terminal.progress(`bringing ${inputs.length} sessions`, inputs.length);
    try {
      await bringSessions(ask, inputs, (index, { outcome, reason = 'unknown' }) => {
        if (outcome === 'left') report.left.push({ ...rowOf(index), reason });
        else report[outcome] += 1;
        progress.step(`${report.taken} taken`);
      });
      progress.done(`${report.taken} taken`);
    } catch (error) {
      progress.failed('not all were brought: run it again to go on');
      throw error;
    }
  }
  report.left.sort((a, b) => a.row - b.row);
  terminal.answer(report, toText(report));
}

/** Reads the sessions that are to be brought, and those that are not. */
async function readInputs(options: Options, terminal: Terminal) {
  const system = SYSTEMS[options.from];
  if (system === undefined) throw new Failure(`${options.from} is no system that is known`);
  const rows = await readExport(options.file, options.table ?? system.table);
  const isSigned = system.isSigned && options.unsigned !== true;
  const second = Math.floor(Date.now() / 1000);
  const secret = isSigned ? await findSecret(terminal) : null;
  const read = { secret, userPath: options.user, now: second };
  const to: Destination = {
    clientId: options.client ?? null,
    issuer: options.issuer ?? null,
    home: options.home ?? null,
  };
  const report: Report = { rows: rows.length, taken: 0, already_there: 0, left: [] };
  const inputs: object[] = [];
  const brought: { row: number; user: string | null }[] = [];
  for (const [index, row] of rows.entries()) {
    const session = system.read(row, read);
    const at = { row: index + 1, user: 'left' in session ? null : session.user };
    const leave = (reason: string) => report.left.push({ ...at, reason });
    if ('left' in session) leave(session.left);
    else if (session.expiresAt !== null && session.expiresAt <= second) leave('expired');
    else {
      const input = toInput(session, to);
      if (input === null) leave('user_is_no_uuid');
      else {
        inputs.push(input);
        brought.push(at);
      }
    }
  }
  const rowOf = (index: number) => brought[index] ?? { row: 0, user: null };
  return { report, inputs, rowOf };
}

/**
 * Finds the secret of the other system. It is never an argument, which others of this machine could
 * read.
 */
async function findSecret(terminal: Terminal): Promise<string> {
  const { OLD_SECRET: given } = process.env;
  if (given) return given;
  if (!terminal.isInteractive)
    throw new Failure(
      'the cookies of this system are signed: set OLD_SECRET to its secret, or say --unsigned where the app takes the signature off',
    );
  const message = 'the secret that the other system signs its cookies with';
  return asked(password({ message, output: process.stderr }));
}

function toText({ rows, taken, already_there, to_bring, left }: Report): string {
  const reasons = new Map<string, number>();
  for (const { reason } of left) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const counts = [
    ...(to_bring === undefined ? [{ what: 'taken', sessions: taken }] : []),
    ...(to_bring === undefined ? [{ what: 'there already', sessions: already_there }] : []),
    ...(to_bring === undefined ? [] : [{ what: 'would be brought', sessions: to_bring }]),
    ...[...reasons].map(([reason, sessions]) => ({ what: `left: ${reason}`, sessions })),
  ];
  return `${toTable(counts)}\n\n${rows} rows were read. --json says which were left.`;
}

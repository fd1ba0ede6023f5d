/** Tries a program that verifies tokens: a library by a few lines that use it, or a server. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Row, TriedService, TriedToken } from '../part.ts';

export interface Library {
  name: string;
  version: string;
  /** What it says of each of the service's tokens: `ok SUB`, or `no` and why. */
  ask: (service: TriedService) => Promise<string[]>;
  /** How the type of a token is looked at. */
  typ: 'option' | 'always' | 'by hand' | 'cannot';
  /** What to write, in Markdown. */
  write: string;
}

export const LIBRARY_COLUMNS = [
  'program',
  'EdDSA',
  'ES256',
  'RS256',
  'while it changes',
  '`typ`',
  'what to write',
];

const TIMEOUT_MS = 120_000;

export async function tryLibrary(
  library: Library,
  services: readonly TriedService[],
): Promise<Row> {
  const faults: string[] = [];
  const cells: string[] = [];
  const lost: string[] = [];
  for (const service of services) {
    const answers = await library.ask(service);
    const wrong = service.tokens.filter((token, index) => isWrong(token, answers[index]));
    const reason = answers[0]?.startsWith('ok') ? null : toReason(answers[0]);
    cells.push(reason === null ? 'yes' : `no: ${reason}`);
    if (reason === null) {
      const [good] = service.tokens.filter(({ isGood }) => isGood) as [TriedToken];
      const only = { ...service, tokens: [good] };
      const [mixed] = await service.withOtherKeys(() => library.ask(only));
      if (isWrong(good, mixed)) lost.push(service.alg);
    }
    for (const { name, isGood } of wrong)
      if (isGood === false) faults.push(`${library.name} takes a token ${name} (${service.alg})`);
    const other = answers[service.tokens.findIndex(({ isGood }) => isGood === null)];
    if (reason === null && other?.startsWith('ok') !== (library.typ === 'cannot'))
      faults.push(`${library.name}: "${library.typ}" is not how it looks at typ (${other})`);
  }
  if (cells.every((cell) => cell !== 'yes')) faults.push(`${library.name} takes nothing: ${cells}`);
  const name = `${library.name} ${library.version}`;
  const whileItChanges = lost.length === 0 ? 'yes' : `not ${lost.join(', ')}`;
  return { cells: [name, ...cells, whileItChanges, library.typ, library.write], faults };
}

function isWrong({ isGood, sub }: TriedToken, answer: string | undefined): boolean {
  if (isGood === null) return false;
  return isGood ? answer !== `ok ${sub}` : answer === undefined || answer.startsWith('ok');
}

/** A command in `cwd`, which prints a line for each token. Its environment has the client. */
export function askCommand(cwd: string, [file, ...args]: readonly [string, ...string[]]) {
  return async ({ issuer, audience, alg, tokens, client }: TriedService): Promise<string[]> => {
    const given = [...args, issuer, audience, alg, ...tokens.map(({ token }) => token)];
    const env = { ...process.env, CLIENT_ID: client.id, CLIENT_SECRET: client.secret };
    try {
      const { stdout } = await promisify(execFile)(file, given, { cwd, env, timeout: TIMEOUT_MS });
      return stdout.trim().split('\n');
    } catch (error) {
      const { stderr = '', message } = error as Error & { stderr?: string };
      const line = stderr.split('\n').find((text) => /error|fault|exception|panic/i.test(text));
      return tokens.map(() => `no ${line ?? message}`);
    }
  };
}

/** Short enough for a table, without what differs in each run. */
function toReason(answer = 'no answer'): string {
  const reason = answer
    .replace(/^no /, '')
    .replaceAll(/localhost:\d+/g, 'localhost')
    .replaceAll(/\s+/g, ' ');
  return reason.length > 70 ? `${reason.slice(0, 69)}…` : reason;
}

/**
 * The variables of the settings as they are on this machine. `.dev.vars` stands before them, and
 * `--var` before both, so nothing here takes the place of what either has.
 */
import { isLocalHost } from '../src/origins.ts';

export interface LocalVariables {
  issuer: string;
  /** For `--var`. */
  vars: Record<string, string>;
  /** What is otherwise than in the settings, for whoever wonders. */
  notes: string[];
}

type Variables = Readonly<Record<string, unknown>>;

/**
 * `given` are those of `--var`, `origin` is where the service is on this machine, `fileName` that
 * of the settings. Throws when CLIENTS is no JSON array.
 */
export function toLocalVariables(
  file: Variables,
  devVars: Variables,
  given: Variables,
  origin: string,
  fileName = 'wrangler.toml',
): LocalVariables {
  const notes: string[] = [];
  const written = toText(file.ISSUER);
  const issuer = toText(given.ISSUER) || toText(devVars.ISSUER) || toLocalUrl(written, origin);
  const vars: Record<string, string> = { ISSUER: issuer };
  for (const name of ['AUDIENCE', 'ACCOUNT_AUDIENCE']) {
    const value = toText(file[name]);
    if (given[name] !== undefined || devVars[name] !== undefined) continue;
    const moved = follow(value, written, issuer);
    if (moved !== value) vars[name] = moved;
  }
  for (const [name, value] of Object.entries(vars)) {
    const was = toText(file[name]);
    // The port says itself why it is another one.
    if (was !== '' && !isSameHost(was, value)) notes.push(`${name} is ${value} here, not ${was}`);
  }
  const clients = given.CLIENTS === undefined ? mergeClients(file, devVars, notes, fileName) : null;
  return { issuer, vars: { ...vars, ...(clients !== null && { CLIENTS: clients }) }, notes };
}

/** The issuer on this machine: of a name below localhost it keeps the name, of any the path. */
function toLocalUrl(written: string, origin: string): string {
  const url = URL.parse(written);
  const local = new URL(origin);
  if (url !== null && isLocalHost(url.hostname)) local.hostname = url.hostname;
  return local.origin + (url?.pathname.replace(/\/+$/, '') ?? '');
}

/** An audience that is a URL of the issuer's host goes where that goes. */
function follow(value: string, from: string, to: string): string {
  const [url, before, after] = [URL.parse(value), URL.parse(from), URL.parse(to)];
  if (url === null || before === null || after === null || url.origin !== before.origin)
    return value;
  return after.origin + value.slice(url.origin.length);
}

/**
 * The clients of both, because `.dev.vars` has those of the demo and would hide the others. null:
 * they are as they would be anyway.
 */
function mergeClients(
  file: Variables,
  devVars: Variables,
  notes: string[],
  fileName: string,
): string | null {
  const own = parseClients(fileName, file.CLIENTS);
  if (own.length === 0 || devVars.CLIENTS === undefined) return null;
  const local = parseClients('.dev.vars', devVars.CLIENTS);
  const ids = local.map(({ client_id }) => client_id);
  const added = own.filter(({ client_id }) => !ids.includes(client_id));
  const hidden = own.filter(({ client_id }) => ids.includes(client_id));
  if (hidden.length > 0)
    notes.push(`CLIENTS: ${namesOf(hidden)} as .dev.vars has it, not as ${fileName} does`);
  if (added.length === 0) return null;
  notes.push(`CLIENTS: ${namesOf(added)} of ${fileName}, beside ${namesOf(local)} of .dev.vars`);
  return JSON.stringify([...local, ...added]);
}

const namesOf = (clients: readonly { client_id?: unknown }[]) =>
  clients.map(({ client_id }) => client_id).join(', ');

function parseClients(where: string, value: unknown): { client_id?: unknown }[] {
  try {
    const clients: unknown = typeof value === 'object' ? value : JSON.parse(toText(value) || '[]');
    if (Array.isArray(clients)) return clients;
  } catch {
    // The sentence below is all that there is to say; the text may hold what nobody should see.
  }
  throw new Error(`CLIENTS in ${where} is no JSON array`);
}

function isSameHost(a: string, b: string): boolean {
  const hosts = [a, b].map((text) => URL.parse(text)?.hostname ?? '');
  return hosts[0] === hosts[1];
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

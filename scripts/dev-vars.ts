/**
 * `.dev.vars`: the secrets of a local service. Keys that are missing are made; what is there stays.
 * The format suits both wrangler (dotenv) and `source .dev.vars` in a shell.
 */
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseEnv } from 'node:util';

/** What starts the demo's sessions, and what `npm run homes` and `npm run keys` act as. */
const DEMO_CLIENT_ID = 'demo-backend';
const DEMO_OPERATOR_ID = 'demo-operator';

/** The file that wrangler reads for an environment; '' is the top level. */
export function findDevVars(root: string, environment: string): string {
  const own = `.dev.vars.${environment}`;
  return environment !== '' && existsSync(join(root, own)) ? own : '.dev.vars';
}

/**
 * Adds the missing keys to the file and returns all that it then has. The file is readable by its
 * owner only.
 */
export function completeDevVars(path: string): Record<string, string> {
  const before = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  const text = decode(before, basename(path));
  const present = parse(text);
  const missing = makeMissing(present);
  const lines = Object.entries(missing).map(([name, value]) => `${name}='${value}'\n`);
  const separator = text === '' || text.endsWith('\n') ? '' : '\n';
  const after = Buffer.from(text + (lines.length > 0 ? separator + lines.join('') : ''));
  if (!after.equals(before) || !existsSync(path)) writeFileSync(path, after, { mode: 0o600 });
  chmodSync(path, 0o600);
  return { ...present, ...missing };
}

/**
 * As a shell reads it, to which a carriage return is part of the value, and the mark that editors
 * on Windows put first part of the first name.
 */
function decode(bytes: Buffer, name: string): string {
  if (bytes.includes(0))
    throw new Error(`${name} is UTF-16, as PowerShell's \`>\` writes it: save it as UTF-8`);
  return bytes
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .replaceAll('\r\n', '\n');
}

function makeMissing(present: Record<string, string>): Record<string, string> {
  const missing: Record<string, string> = {};
  const makeSecret = () => randomBytes(32).toString('base64url');

  if (!present.SESSION_SECRET) missing.SESSION_SECRET = makeSecret();
  // A demo client that someone's own CLIENTS does not know would only be refused.
  if (present.CLIENTS) return missing;

  const keep = (name: string, make: () => string) => {
    if (!present[name]) missing[name] = make();
    return present[name] || (missing[name] as string);
  };
  const backend = keep('DEMO_CLIENT_ID', () => DEMO_CLIENT_ID);
  const backendSecret = keep('DEMO_CLIENT_SECRET', makeSecret);
  const operator = keep('DEMO_OPERATOR_ID', () => DEMO_OPERATOR_ID);
  const operatorSecret = keep('DEMO_OPERATOR_SECRET', makeSecret);
  // Each may do what the demo does with it, and no more.
  missing.CLIENTS = JSON.stringify([
    {
      client_id: backend,
      secret_sha256: toHash(backendSecret),
      allow: ['create_sessions', 'manage_users', 'introspect'],
      for_clients: ['demo-app'],
    },
    { client_id: operator, secret_sha256: toHash(operatorSecret), allow: ['operate'] },
    { client_id: 'demo-app' },
  ]);
  return missing;
}

const toHash = (secret: string) => createHash('sha256').update(secret).digest('hex');

function parse(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(parseEnv(text)))
    if (value !== undefined) values[name] = value;
  return values;
}

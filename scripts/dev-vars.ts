/**
 * `.dev.vars`: the secrets of a local service. Keys that are missing are made; what is there stays.
 * The format suits both wrangler (dotenv) and `source .dev.vars` in a shell.
 */
import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync, chmodSync, existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

const DEMO_CLIENT_ID = 'demo-backend';

/**
 * Adds the missing keys to the file and returns all that it then has. The file is readable by its
 * owner only.
 */
export function completeDevVars(path: string): Record<string, string> {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const present = parse(text);
  const missing = makeMissing(present);
  const lines = Object.entries(missing).map(([name, value]) => `${name}='${value}'\n`);
  const separator = text === '' || text.endsWith('\n') ? '' : '\n';
  appendFileSync(path, lines.length > 0 ? separator + lines.join('') : '', { mode: 0o600 });
  chmodSync(path, 0o600);
  return { ...present, ...missing };
}

function makeMissing(present: Record<string, string>): Record<string, string> {
  const missing: Record<string, string> = {};
  const makeSecret = () => randomBytes(32).toString('base64url');

  if (!present.SESSION_SECRET) missing.SESSION_SECRET = makeSecret();
  // A demo client that someone's own CLIENTS does not know would only be refused.
  if (present.CLIENTS) return missing;

  const clientId = present.DEMO_CLIENT_ID || DEMO_CLIENT_ID;
  const clientSecret = present.DEMO_CLIENT_SECRET || makeSecret();
  if (!present.DEMO_CLIENT_ID) missing.DEMO_CLIENT_ID = clientId;
  if (!present.DEMO_CLIENT_SECRET) missing.DEMO_CLIENT_SECRET = clientSecret;
  missing.CLIENTS = JSON.stringify([
    {
      client_id: clientId,
      secret_sha256: createHash('sha256').update(clientSecret).digest('hex'),
      allow: [
        'refresh',
        'create_sessions',
        'manage_users',
        'introspect',
        'browser_tokens',
        'operate',
      ],
      for_clients: [clientId, 'demo-app'],
    },
    { client_id: 'demo-app' },
  ]);
  return missing;
}

function parse(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(parseEnv(text)))
    if (value !== undefined) values[name] = value;
  return values;
}

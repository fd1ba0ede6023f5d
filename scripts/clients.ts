/**
 * `npm run clients -- add ID`: an entry of CLIENTS (docs/clients.md), and its secret, which is
 * shown this once and stored nowhere.
 *
 *   npm run clients -- add web-backend --allow create_sessions,manage_users --for ios-app
 *   npm run clients -- add web --origin https://app.example.com --return-url https://app.example.com/in
 *
 * A client with `--allow` is a backend and has a secret; without, it is a public app and has none.
 */
import { createHash, randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { findMistakes } from './deploy/service-rules.ts';

try {
  await run();
} catch (error) {
  console.error(`clients: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}

async function run(): Promise<void> {
  const many = { type: 'string', multiple: true } as const;
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { allow: many, for: many, origin: many, 'return-url': many },
  });
  const [command, id, ...others] = positionals;
  const { origin = [], 'return-url': returnUrls = [] } = values;
  if (command !== 'add' || id === undefined || others.length > 0)
    throw new Error(
      'add ID [--allow CAPABILITY,…] [--for CLIENT,…] [--origin URL] [--return-url URL]',
    );
  const allow = split(values.allow);
  const secret = allow.length > 0 ? randomBytes(32).toString('base64url') : null;
  const forClients = split(values.for);
  const entry = {
    client_id: id,
    ...(secret !== null && {
      secret_sha256: createHash('sha256').update(secret).digest('base64url'),
      allow,
    }),
    ...(forClients.length > 0 && { for_clients: forClients }),
    ...(origin.length > 0 && { origins: origin }),
    ...(returnUrls.length > 0 && { return_urls: returnUrls }),
  };
  const mistakes = await findMistakesOf(entry);
  if (mistakes.length > 0) throw new Error(mistakes.join('\n'));
  const text = JSON.stringify(entry);
  console.log(text);
  console.error(
    `The entry has ${Buffer.byteLength(text)} bytes. Add it to CLIENTS, or to CLIENTS_2 and so on: Cloudflare takes 5,120 for a variable, which \`npm run deploy\` measures.`,
  );
  if (secret !== null) console.error(`Its secret, which is stored nowhere: ${secret}`);
}

function split(lists: readonly string[] = []): string[] {
  return lists.flatMap((list) => list.split(','));
}

/** By the service's own rules; the clients that it names are taken to be there. */
function findMistakesOf(entry: { client_id: string; for_clients?: string[] }): Promise<string[]> {
  const named = (entry.for_clients ?? []).filter((id) => id !== entry.client_id);
  const clients = [entry, ...named.map((client_id) => ({ client_id }))];
  const vars = {
    ISSUER: 'https://auth.example',
    AUDIENCE: 'https://api.example',
    CLIENTS: JSON.stringify(clients),
  };
  return findMistakes(vars, ['DB']);
}

/** What no answer and no log line may have. */
import { env } from 'cloudflare:test';
import { BACKEND, OTHER_BACKEND } from '../../fixtures';

/** Where a token is what was asked for. */
const GIVING = /"(?:access_token|refresh_token|start_url)":"[^"]*"/g;
const TOKEN = /\bv2\.[\w-]{10,}\.|\beyJ[\w-]{10,}\.[\w-]+/;
/** Of this service, of Workers, of SQLite. */
const INNARDS =
  /\bat \S+ \(|\.tsx?:\d+|node_modules|D1_ERROR|SQLITE_|Failed query|select .* from|insert into/i;

/** The hashes that verify refresh tokens, as the table has them. */
export async function readHashes(): Promise<Set<string>> {
  const { results } = await env.DB.prepare('SELECT refresh_token FROM user_sessions').all<{
    refresh_token: string;
  }>();
  return new Set(results.map(({ refresh_token: hash }) => hash));
}

/** What the text has that it must not have; null: nothing. `secrets`: besides those of all. */
export function findLeak(text: string, secrets: Iterable<string>): string | null {
  const told = text.replaceAll(GIVING, '');
  const token = TOKEN.exec(told) ?? INNARDS.exec(told);
  if (token !== null) return token[0];
  for (const secret of [
    BACKEND.secret,
    OTHER_BACKEND.secret,
    'the-session-secret-of-the-tests',
    ...secrets,
  ])
    if (told.includes(secret)) return secret;
  return null;
}

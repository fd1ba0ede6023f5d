/** The app's own accounts, in the database that it shares with its sessions. */
const TABLE = `CREATE TABLE IF NOT EXISTS accounts
  (email TEXT PRIMARY KEY, user_id TEXT, salt TEXT, password TEXT)`;

/** The user of an address and password; an address that is new is registered. null: another's. */
export async function findUser(db: D1Database, email: string, password: string) {
  const salt = crypto.randomUUID();
  const account = [email, crypto.randomUUID(), salt, await hash(password, salt)];
  await db.batch([
    db.prepare(TABLE),
    db.prepare('INSERT OR IGNORE INTO accounts VALUES (?, ?, ?, ?)').bind(...account),
  ]);
  const found = await db
    .prepare('SELECT * FROM accounts WHERE email = ?')
    .bind(email)
    .first<{ user_id: string; salt: string; password: string }>();
  const isRight = found !== null && (await hash(password, found.salt)) === found.password;
  return isRight ? found.user_id : null;
}

async function hash(password: string, salt: string): Promise<string> {
  const encode = (text: string) => new TextEncoder().encode(text);
  const key = await crypto.subtle.importKey('raw', encode(password), 'PBKDF2', false, [
    'deriveBits',
  ]);
  const method = { name: 'PBKDF2', hash: 'SHA-256', salt: encode(salt), iterations: 100_000 };
  const bits = new Uint8Array(await crypto.subtle.deriveBits(method, key, 256));
  return btoa(String.fromCharCode(...bits));
}

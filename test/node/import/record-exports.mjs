/**
 * Makes the exports beside this file, with the systems themselves: each starts a session, and tells
 * what its database holds and what its browser was given. Run it in a folder of its own, because
 * they are 30 MB that no test needs:
 *
 *   npm install better-auth@1.7.25 lucia@3.2.2 @lucia-auth/adapter-sqlite@3.0.2 @auth/core@0.41.3 \
 *     @auth/drizzle-adapter@1.11.3 drizzle-orm@0.45.4 express-session@1.19.0
 *   cp …/test/node/import/record-exports.mjs . && node record-exports.mjs …/test/node/import
 *
 * Supabase Auth is no package: its rows are those of its migrations (auth.sessions,
 * auth.refresh_tokens), written down in supabase.json by hand.
 */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Auth, skipCSRFCheck } from '@auth/core';
import { DrizzleAdapter } from '@auth/drizzle-adapter';
import { BetterSqlite3Adapter } from '@lucia-auth/adapter-sqlite';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { drizzle } from 'drizzle-orm/sqlite-proxy';
import session from 'express-session';
import { Lucia, TimeSpan } from 'lucia';

const UA =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36';
const DAYS = 30;
const record = (name, content) =>
  writeFileSync(
    join(process.argv[2], `${name}.json`),
    `${JSON.stringify({ recorded_at: Math.floor(Date.now() / 1000), ...content }, null, 2)}\n`,
  );
const toValue = (cookie) => decodeURIComponent(cookie.split(';')[0].replace(/^[^=]*=/, ''));
const schemaOf = (db, table) =>
  db.prepare('select sql from sqlite_master where name = ?').get(table).sql;

async function recordBetterAuth() {
  const database = new DatabaseSync(':memory:');
  const secret = 'the-secret-of-the-old-better-auth-0123456789';
  const auth = betterAuth({
    secret,
    baseURL: 'https://old.example',
    database,
    emailAndPassword: { enabled: true },
    session: { expiresIn: DAYS * 86_400 },
  });
  await (await getMigrations(auth.options)).runMigrations();
  const post = (path, body) =>
    auth.handler(
      new Request(`https://old.example/api/auth${path}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'user-agent': UA,
          'x-forwarded-for': '203.0.113.7',
          origin: 'https://old.example',
        },
        body: JSON.stringify(body),
      }),
    );
  const person = { email: 'ada@example.com', password: 'correct horse battery staple' };
  const cookies = [];
  for (const [path, more] of [
    ['/sign-up/email', { name: 'Ada' }],
    ['/sign-in/email', {}],
  ]) {
    const response = await post(path, { ...person, ...more });
    if (!response.ok) throw new Error(await response.text());
    cookies.push(toValue(response.headers.getSetCookie()[0]));
  }
  // The second is over.
  database
    .prepare('update session set expiresAt = ? where token = ?')
    .run(new Date(Date.now() - 1000).toISOString(), cookies[1].split('.')[0]);
  record('better-auth', {
    secret,
    schema: schemaOf(database, 'session').replace(/ references [^,)]*\([^)]*\)[^,)]*/, ''),
    rows: database.prepare('select * from session').all(),
    presented: cookies,
  });
}

async function recordLucia() {
  const db = new DatabaseSync(':memory:');
  db.exec('create table user (id text primary key)');
  db.exec(
    'create table session (id text not null primary key, expires_at integer not null, user_id text not null)',
  );
  db.exec("insert into user values ('k7qm2xw9')");
  const tables = { user: 'user', session: 'session' };
  const lucia = new Lucia(new BetterSqlite3Adapter(db, tables), {
    sessionExpiresIn: new TimeSpan(DAYS, 'd'),
  });
  const live = await lucia.createSession('k7qm2xw9', {});
  const over = await lucia.createSession('k7qm2xw9', {});
  db.prepare('update session set expires_at = ? where id = ?').run(
    Math.floor(Date.now() / 1000) - 1,
    over.id,
  );
  if ((await lucia.validateSession(live.id)).session === null) throw new Error('not live');
  record('lucia', {
    schema: schemaOf(db, 'session'),
    rows: db.prepare('select * from session').all(),
    presented: [live, over].map(({ id }) => lucia.createSessionCookie(id).value),
  });
}

async function recordAuthJs() {
  const sqlite = new DatabaseSync(':memory:');
  // The tables of the adapter's documentation.
  sqlite.exec(`
    create table user (id text primary key, name text, email text unique, emailVerified integer, image text);
    create table account (userId text not null, type text not null, provider text not null, providerAccountId text not null, refresh_token text, access_token text, expires_at integer, token_type text, scope text, id_token text, session_state text, primary key (provider, providerAccountId));
    create table session (sessionToken text primary key, userId text not null, expires integer not null);
    create table verificationToken (identifier text not null, token text not null, expires integer not null, primary key (identifier, token));
  `);
  const db = drizzle(async (sql, params, method) => {
    const statement = sqlite.prepare(sql);
    statement.setReturnArrays(true);
    const rows = statement.all(...params);
    return { rows: method === 'get' ? rows[0] : rows };
  });
  let link = '';
  const config = {
    adapter: DrizzleAdapter(db),
    secret: 'the-secret-of-the-old-auth-js-0123456789',
    trustHost: true,
    basePath: '/auth',
    skipCSRFCheck,
    session: { strategy: 'database', maxAge: DAYS * 86_400 },
    providers: [
      {
        id: 'email',
        type: 'email',
        name: 'Email',
        from: 'old@example.com',
        maxAge: 600,
        options: {},
        sendVerificationRequest: ({ url }) => {
          link = url;
        },
      },
    ],
  };
  const cookies = [];
  for (let sign = 0; sign < 2; sign += 1) {
    await Auth(
      new Request('https://old.example/auth/signin/email', {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ email: 'ada@example.com' }),
      }),
      config,
    );
    const response = await Auth(new Request(link), config);
    const given = response.headers.getSetCookie().find((one) => /session-token=/.test(one));
    cookies.push(toValue(given));
  }
  sqlite
    .prepare('update session set expires = ? where sessionToken = ?')
    .run(Date.now() - 1000, cookies[1]);
  record('authjs', {
    schema: schemaOf(sqlite, 'session'),
    rows: sqlite.prepare('select * from session').all(),
    presented: cookies,
  });
}

async function recordExpressSession() {
  const secret = 'the-secret-of-the-old-express-session';
  const store = new session.MemoryStore();
  const middleware = session({
    secret,
    store,
    resave: false,
    saveUninitialized: true,
    cookie: { maxAge: DAYS * 86_400_000 },
  });
  const server = createServer((request, response) =>
    middleware(request, response, () => {
      // As passport does, and a visitor who is nobody.
      if (request.url === '/sign-in') request.session.passport = { user: 'k7qm2xw9' };
      request.session.save(() => response.end('ok'));
    }),
  );
  await new Promise((resolve) => server.listen(0, resolve));
  const cookies = [];
  for (const path of ['/sign-in', '/visit']) {
    const response = await fetch(`http://localhost:${server.address().port}${path}`);
    cookies.push(toValue(response.headers.getSetCookie()[0]));
  }
  server.close();
  // As connect-pg-simple and connect-redis keep what express-session gives them.
  const rows = Object.entries(store.sessions).map(([sid, sess]) => ({
    sid,
    sess: JSON.parse(sess),
    expire: JSON.parse(sess).cookie.expires,
  }));
  record('express-session', {
    secret,
    schema: 'create table session (sid text primary key, sess json not null, expire text not null)',
    rows,
    presented: cookies,
  });
}

await recordBetterAuth();
await recordLucia();
await recordAuthJs();
await recordExpressSession();

/**
 * Configuration: all that is wrong is named at once, and until it is mended nothing is served.
 */
import { env as testEnv } from 'cloudflare:test';
import { describe, expect, it, vi } from 'vitest';
import { may } from '../src/config/authority';
import { CAPABILITIES, type Client } from '../src/config/clients';
import { parseConfig } from '../src/config/config';
import type { Env } from '../src/env';
import { ConfigError } from '../src/faults';
import worker from '../src/index';
import { sha256Hex } from './fixtures';
import { ALL_ROUTES, toInit } from './http/routes';

const HASH = 'a'.repeat(64);
const OTHER_HASH = 'b'.repeat(64);
const SECRET = 'correct-horse-battery-staple-0123456789';

const base: Env = {
  DB: testEnv.DB,
  ISSUER: 'https://auth.example',
  AUDIENCE: 'urn:example:api',
  SESSION_SECRET: SECRET,
};

/** What is wrong with the base configuration once these variables are set. */
function mistakesOf(variables: Partial<Record<keyof Env, string | undefined>>): readonly string[] {
  try {
    const { refusedClients } = parseConfig({ ...base, ...variables } as Env);
    // In production those of one client are that client's alone.
    return [...new Set([...refusedClients.values()].flat())];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.mistakes;
  }
}

const clients = (...list: unknown[]) => ({ CLIENTS: JSON.stringify(list) });

describe('a good configuration', () => {
  it('needs no more than ISSUER, AUDIENCE and SESSION_SECRET', () => {
    expect(parseConfig(base)).toMatchObject({
      issuer: 'https://auth.example',
      basePath: '',
      previousSessionSecret: null,
      sessions: {
        byDefault: {
          graceSeconds: 30,
          inactivitySeconds: 1_209_600,
          lifetimeSeconds: 2_592_000,
          accessTokenTtlSeconds: 300,
          maxSessionsPerUser: 100,
        },
      },
      signingKeys: { alg: 'EdDSA', retireSeconds: 360 },
    });
  });

  it.each([
    ['https://auth.example/', 'https://auth.example', ''],
    ['https://auth.example/sessions/', 'https://auth.example/sessions', '/sessions'],
    ['https://auth.example:8443/a/b', 'https://auth.example:8443/a/b', '/a/b'],
    ['http://localhost:8787', 'http://localhost:8787', ''],
    ['http://127.0.0.1:8787', 'http://127.0.0.1:8787', ''],
    ['http://[::1]:8787', 'http://[::1]:8787', ''],
    ['http://auth.app.localhost:8787', 'http://auth.app.localhost:8787', ''],
  ])('takes the issuer %s', (ISSUER, issuer, basePath) => {
    expect(parseConfig({ ...base, ISSUER })).toMatchObject({ issuer, basePath });
  });

  it('takes an empty variable as one that is not set', () => {
    expect(
      mistakesOf({
        REFRESH_GRACE_SECONDS: '',
        CLIENTS: '',
        SESSION_SECRET_PREVIOUS: '',
        ACCESS_TOKEN_ALG: '',
      }),
    ).toEqual([]);
  });

  it('takes 0 as no limit', () => {
    const config = parseConfig({
      ...base,
      INACTIVITY_TIMEOUT_SECONDS: '0',
      SESSION_LIFETIME_SECONDS: '0',
    });
    expect(config.sessions.byDefault).toMatchObject({
      inactivitySeconds: null,
      lifetimeSeconds: null,
    });
  });

  it('takes a hash in hex or base64url as the same, and two while a secret is replaced', () => {
    const base64url = 'qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo';
    const { clients: parsed } = parseConfig({
      ...base,
      ...clients(
        { client_id: 'a', secret_sha256: HASH, allow: [] },
        { client_id: 'b', secret_sha256: [OTHER_HASH, 'c'.repeat(64)], allow: [] },
      ),
    });
    expect(parsed.get('a')?.secretHashes).toEqual([base64url]);
    expect(parsed.get('b')?.secretHashes[1]).toBe('zMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMw');
  });

  it('lets a client do what it lists, for the clients that it names: itself unless told', () => {
    const { clients: parsed } = parseConfig({
      ...base,
      ...clients(
        { client_id: 'public' },
        { client_id: 'one', secret_sha256: HASH, allow: ['introspect'] },
        {
          client_id: 'two',
          secret_sha256: OTHER_HASH,
          allow: ['create_sessions', 'manage_users'],
          for_clients: ['public'],
        },
      ),
    });
    const [open, one, two] = ['public', 'one', 'two'].map((id) => parsed.get(id) as Client);
    const able = (client: Client, clientId: string) =>
      CAPABILITIES.filter((capability) => may(client, capability, clientId));
    expect(able(open as Client, 'public')).toEqual(['refresh']);
    expect(able(open as Client, 'one')).toEqual([]);
    expect(able(one as Client, 'one')).toEqual(['introspect']);
    expect(able(one as Client, 'public')).toEqual([]);
    expect(able(two as Client, 'two')).toEqual([]);
    expect(able(two as Client, 'public')).toEqual(['create_sessions', 'manage_users']);
  });

  it('refuses a client with a secret and no allow, and says what it could do before', () => {
    const [mistake, ...others] = mistakesOf(
      clients({ client_id: 'web' }, { client_id: 'backend', secret_sha256: HASH }),
    );
    expect(others).toEqual([]);
    expect(mistake).toMatch(/^CLIENTS: backend: allow is missing/);
    const [, line] =
      /What it could do before: ("allow": .*\]); leave out/.exec(mistake ?? '') ?? [];
    // The line is what has to be added, as it stands.
    const mended = `[{"client_id":"web"},{"client_id":"backend","secret_sha256":"${HASH}",${line}}]`;
    const { clients: parsed } = parseConfig({ ...base, CLIENTS: mended });
    const backend = parsed.get('backend') as Client;
    for (const capability of ['create_sessions', 'manage_users', 'introspect'] as const)
      expect(may(backend, capability, 'web'), capability).toBe(true);
    expect(may(backend, 'operate', 'web')).toBe(false);
  });

  it.each([
    [
      'one that is unknown',
      { for_clients: ['nobody'] },
      'for_clients must name clients of this list',
    ],
    ['none', { for_clients: [] }, 'names no client'],
  ])('for_clients that name %s are a mistake', (_, fields, mistake) => {
    expect(
      mistakesOf(clients({ client_id: 'a', secret_sha256: HASH, allow: [], ...fields })),
    ).toEqual([expect.stringContaining(mistake)]);
  });

  it('a public client acts for nobody', () => {
    expect(mistakesOf(clients({ client_id: 'a', for_clients: ['a'] }))).toEqual([
      expect.stringContaining('for_clients is for clients with secret_sha256'),
    ]);
  });

  it.each([
    ['the empty text', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['an example', '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'],
  ])('the hash of %s is of no secret', (_, hash) => {
    expect(mistakesOf(clients({ client_id: 'a', secret_sha256: hash, allow: [] }))).toEqual([
      expect.stringContaining('hash of an empty or well-known text'),
    ]);
  });

  it('one secret for two clients, or twice for one, is a mistake, however it is spelled', () => {
    const base64url = 'qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo';
    const twice = clients(
      { client_id: 'a', secret_sha256: HASH, allow: [] },
      { client_id: 'b', secret_sha256: [OTHER_HASH, base64url], allow: [] },
    );
    expect(mistakesOf(twice)).toEqual(['CLIENTS: a and b have one secret; each needs its own']);
    expect(
      mistakesOf(clients({ client_id: 'a', secret_sha256: [HASH, base64url], allow: [] })),
    ).toEqual(['CLIENTS: a: both of secret_sha256 are the same']);
  });
});

describe('browser clients', () => {
  const HOME = 'https://app.example';
  const web = (fields: Record<string, unknown>) =>
    clients({ client_id: 'web', origins: [HOME], ...fields });

  it('have origins and return URLs; a backend acts for itself and for those that it lists', () => {
    const { clients: parsed } = parseConfig({
      ...base,
      ...clients(
        {
          client_id: 'web',
          origins: [HOME, 'http://localhost:3000', 'http://app.localhost:3000'],
          return_urls: [HOME, `${HOME}/a/`],
        },
        { client_id: 'backend', secret_sha256: HASH, allow: [], browser_clients: ['web'] },
      ),
    });
    expect(parsed.get('web')).toMatchObject({
      origins: [HOME, 'http://localhost:3000', 'http://app.localhost:3000'],
      returnUrls: [HOME, `${HOME}/a/`],
      browserClients: new Set(['web']),
    });
    expect(parsed.get('backend')).toMatchObject({
      origins: [],
      browserClients: new Set(['backend', 'web']),
    });
  });

  it('of apps, and patterns, are for pages that hold tokens, and none that cookies are for', () => {
    const others = ['capacitor://localhost', 'https://*.my-app.pages.dev', 'https://*.app.example'];
    const { clients: parsed } = parseConfig({ ...base, ...web({ origins: [HOME, ...others] }) });
    expect(parsed.get('web')).toMatchObject({ origins: [HOME], tokenOrigins: others });
    expect(mistakesOf(web({ origins: others, return_urls: [HOME] }))).toEqual([
      'CLIENTS: web: return_urls is for clients with origins of web pages',
    ]);
  });

  it.each([
    '*',
    'null',
    '',
    'app.example',
    'http://app.example',
    `${HOME}/`,
    `${HOME}/a`,
    `${HOME}:443`,
    'https://*',
    'https://*.com',
    'https://*.co.uk',
    'https://*.pages.dev',
    'https://*.vercel.app',
    'https://*.*.app.example',
    'https://a.*.app.example',
    'https://*app.example',
    'http://*.app.example',
    'https://*.app.example:8443',
    'https://*.app.example/',
    'https://user@app.example',
    'https://APP.example',
    'https://bücher.example',
    'file://',
    'file://localhost',
    'data://x',
    'Capacitor://localhost',
    'capacitor://localhost/',
    'capacitor://',
    'ws://app.example',
    'javascript:alert(1)',
    `${HOME} `,
  ])('no origin: %j', (origin) => {
    expect(mistakesOf(web({ origins: [origin] })), origin).toEqual([
      expect.stringContaining('CLIENTS: 0.origins.0: must be'),
    ]);
  });

  it.each([
    '/signed-in',
    'http://app.example/',
    `${HOME}/a?b=c`,
    `${HOME}/a#b`,
    `${HOME}/a#`,
    'https://user:password@app.example/',
    `${HOME}/a/../b`,
    `${HOME}/*%2f`,
    'com.example.app:/signed-in',
  ])('no return URL: %j', (url) => {
    expect(mistakesOf(web({ return_urls: [url] }))).toEqual([
      expect.stringContaining('CLIENTS: 0.return_urls.0: must'),
    ]);
  });

  it.each<[string, Record<string, string>, string]>([
    [
      'return_urls without origins',
      clients({ client_id: 'a', return_urls: [HOME] }),
      'return_urls is for clients',
    ],
    [
      'a place for the access token without origins',
      clients({ client_id: 'a', access_token: 'memory' }),
      'access_token is for clients with origins',
    ],
    ['another place for it', web({ access_token: 'localStorage' }), 'access_token'],
    [
      'one that may not refresh',
      web({ secret_sha256: HASH, allow: ['introspect'] }),
      'must be allowed to refresh',
    ],
    [
      'a public client that acts for others',
      web({ browser_clients: ['web'] }),
      'browser_clients is for clients with',
    ],
    [
      'a backend that acts for nobody known',
      clients({ client_id: 'a', secret_sha256: HASH, allow: [], browser_clients: ['nobody'] }),
      'must name clients with origins',
    ],
    [
      'a backend that acts for a client without cookies',
      clients(
        { client_id: 'a', secret_sha256: HASH, allow: [], browser_clients: ['b'] },
        { client_id: 'b' },
      ),
      'must name clients with origins',
    ],
    [
      'a public client that may exchange cookies',
      web({ allow: ['refresh', 'browser_tokens'] }),
      'is public',
    ],
  ])('%s is a mistake', (_, variables, mistake) => {
    expect(mistakesOf(variables)).toEqual([expect.stringContaining(mistake)]);
  });
});

describe('what tokens of a client may be for, and allow', () => {
  const AUDIENCE = '["urn:a","urn:b"]';
  const mistakesIn = (entry: object, variables = {}) =>
    mistakesOf({ AUDIENCE, ...variables, ...clients({ client_id: 'c', ...entry }) });

  it('is all of AUDIENCE, no scope, and its own API where there is one', () => {
    const parse = (variables: Partial<Env>) =>
      parseConfig({ ...base, ...variables, ...clients({ client_id: 'c' }) }).clients.get('c');
    expect(parse({})).toMatchObject({
      audiences: ['urn:example:api'],
      scopes: null,
      serves: ['urn:example:api'],
    });
    expect(parse({ AUDIENCE, ACCOUNT_AUDIENCE: 'urn:me' })).toMatchObject({
      audiences: ['urn:a', 'urn:b', 'urn:me'],
      serves: [],
    });
  });

  it.each([
    [
      'audiences that are none of the service’s',
      { audiences: ['urn:a', 'urn:c'] },
      'audiences must',
    ],
    ['no audiences', { audiences: [] }, 'is empty'],
    ['an audience twice', { audiences: ['urn:a', 'urn:a'] }, 'has one twice'],
    ['scopes with a space', { scopes: ['a b'] }, 'printable ASCII'],
    ['an empty scope', { scopes: [''] }, 'printable ASCII'],
    ['no scopes', { scopes: [] }, 'is empty'],
    [
      'too long scopes',
      { scopes: Array.from({ length: 40 }, (_, n) => `${n}`.padEnd(30, 'x')) },
      '1,000',
    ],
    ['an API that is the account’s', { serves: ['urn:me'] }, 'serves must be of AUDIENCE'],
    [
      'a gateway that does not say of which API',
      { secret_sha256: HASH, allow: ['verify_cookies'] },
      'serves is missing',
    ],
  ])('%s', (_, entry, mistake) => {
    expect(mistakesIn(entry, { ACCOUNT_AUDIENCE: 'urn:me' })).toEqual([
      expect.stringContaining(mistake),
    ]);
  });

  it('may be the account’s where it has one of its own', () => {
    expect(mistakesIn({ audiences: ['urn:me'] }, { ACCOUNT_AUDIENCE: 'urn:me' })).toEqual([]);
    expect(mistakesIn({ audiences: ['urn:me'] })).toHaveLength(1);
  });
});

describe('a list of clients that is in several variables', () => {
  const list = (...ids: string[]) => JSON.stringify(ids.map((client_id) => ({ client_id })));

  it('is one, in the order of their numbers', () => {
    const { clients: parsed } = parseConfig({
      ...base,
      CLIENTS_10: list('d'),
      CLIENTS_2: JSON.stringify([
        { client_id: 'b', secret_sha256: HASH, allow: ['introspect'], for_clients: ['a', 'd'] },
        { client_id: 'c' },
      ]),
      CLIENTS: list('a'),
    });
    expect([...parsed.keys()]).toEqual(['a', 'b', 'c', 'd']);
    expect(may(parsed.get('b') as Client, 'introspect', 'd')).toBe(true);
  });

  it('may begin with any, and what has another name is none of it', () => {
    const others = { CLIENTS_B: list('x'), CLIENTS_02: list('y'), MY_CLIENTS_3: list('z') };
    const { clients: parsed } = parseConfig({ ...base, ...others, CLIENTS_7: list('a') } as Env);
    expect([...parsed.keys()]).toEqual(['a']);
  });

  it('says in which of them a mistake is', () => {
    const wrong = JSON.stringify([{ client_id: 'b' }, { client_id: 'c', allow: ['everything'] }]);
    const mistakes = (variables: Record<string, string>) =>
      mistakesOf({ CLIENTS: list('a'), ...variables } as never);
    expect(mistakes({ CLIENTS_2: wrong })).toEqual([
      expect.stringContaining('CLIENTS_2: 1.allow.0'),
    ]);
    expect(mistakes({ CLIENTS_2: '{}' })).toEqual(['CLIENTS_2: value: expected Array']);
    expect(mistakes({ CLIENTS_3: list('a') })).toEqual([
      expect.stringContaining('a is there twice'),
    ]);
  });
});

describe('the sessions of one client', () => {
  const own = (sessions: unknown) => clients({ client_id: 'a', sessions });

  it('are as the service has them, but for what the entry says; 0 is no limit', () => {
    const sessions = { inactivity_timeout_seconds: 0, max_per_user: 0, persistent: false };
    const { byDefault, byClient } = parseConfig({ ...base, ...own(sessions) }).sessions;
    expect(byClient.get('a')).toEqual({
      ...byDefault,
      inactivitySeconds: null,
      maxSessionsPerUser: null,
      countedClient: 'a',
      isPersistent: false,
    });
  });

  it.each([
    ['a lifetime that is a text', { lifetime_seconds: '3600' }],
    ['a life of tokens of over a day', { access_token_ttl_seconds: 86_401 }],
    ['tokens that do not live', { access_token_ttl_seconds: 0 }],
    ['a negative grace period', { refresh_grace_seconds: -1 }],
    ['half a session', { max_per_user: 0.5 }],
    ['another policy', { limit_policy: 'evict_newest' }],
    ['a member that there is not', { lifetime: 1 }],
  ])('%s is a mistake of that client alone', (_, sessions) => {
    const { refusedClients } = parseConfig({ ...base, ...own(sessions) });
    expect([...refusedClients.keys()]).toEqual(['a']);
  });

  it('keys and ended sessions are kept for the client whose tokens live longest', () => {
    const hour = own({ access_token_ttl_seconds: 3_600 });
    const { signingKeys } = parseConfig({ ...base, ...hour });
    expect(signingKeys.retireSeconds).toBe(3_660);
    expect(mistakesOf({ ...hour, SIGNING_KEY_RETIRE_SECONDS: '3659' })).toEqual([
      'SIGNING_KEY_RETIRE_SECONDS must be at least the access_token_ttl_seconds of a + 60',
    ]);
    expect(mistakesOf({ ...hour, CLEANUP_RETENTION_SECONDS: '3719' })).toEqual([
      'CLEANUP_RETENTION_SECONDS must be at least the access_token_ttl_seconds of a + 120',
    ]);
    expect(mistakesOf({ ...hour, CLEANUP_RETENTION_SECONDS: '3720' })).toEqual([]);
  });
});

describe('mistakes', () => {
  it('are named all at once', () => {
    const mistakes = mistakesOf({
      ISSUER: undefined,
      AUDIENCE: undefined,
      SESSION_SECRET: undefined,
      CLIENTS: '{',
      ACCESS_TOKEN_TTL_SECONDS: 'soon',
      ACCESS_TOKEN_ALG: 'none',
      D1_TIMEOUT_MS: '1',
    });
    expect(mistakes.map((mistake) => mistake.split(/[ :]/)[0])).toEqual([
      'ISSUER',
      'AUDIENCE',
      'ACCESS_TOKEN_TTL_SECONDS',
      'CLIENTS',
      'ACCESS_TOKEN_ALG',
      'SESSION_SECRET',
      'D1_TIMEOUT_MS',
    ]);
  });

  const numbers: [keyof Env, number, number][] = [
    ['ACCESS_TOKEN_TTL_SECONDS', 1, 86_400],
    ['REFRESH_GRACE_SECONDS', 0, 600],
    ['INACTIVITY_TIMEOUT_SECONDS', 0, 864_000_000],
    ['SESSION_LIFETIME_SECONDS', 0, 864_000_000],
    ['MAX_SESSIONS_PER_USER', 0, 10_000],
    ['CLEANUP_RETENTION_SECONDS', 0, 315_360_000],
    ['JWKS_MAX_AGE_SECONDS', 0, 86_400],
    ['D1_TIMEOUT_MS', 50, 30_000],
    ['SIGNING_KEY_LIFETIME_SECONDS', 60, 315_360_000],
    ['SIGNING_KEY_PUBLISH_AHEAD_SECONDS', 0, 31_536_000],
    ['SIGNING_KEY_RETIRE_SECONDS', 0, 31_536_000],
  ];
  it.each(numbers)('%s takes whole numbers from %i to %i', (name, least, most) => {
    const own = `${name} must be a whole number from ${least} to ${most}`;
    for (const bad of [
      '-1',
      '1.5',
      '1e3',
      '0x10',
      ' 5',
      '5s',
      'NaN',
      'Infinity',
      '1'.repeat(13),
      String(most + 1),
    ]) {
      expect(mistakesOf({ [name]: bad }), bad).toContain(own);
    }
    if (least > 0) expect(mistakesOf({ [name]: String(least - 1) })).toContain(own);
    for (const good of [least, most])
      expect(mistakesOf({ [name]: String(good) })).not.toContain(own);
  });

  it.each([
    ['SESSION_LIMIT_POLICY', 'evict_newest', 'evict_oldest, reject'],
    ['HSTS', 'preload', 'host, subdomains, off'],
    ['ACCESS_TOKEN_ALG', 'HS256', 'EdDSA, ES256, RS256'],
  ])('%s cannot be %s', (name, value, choices) => {
    expect(mistakesOf({ [name]: value })).toEqual([`${name} must be one of ${choices}`]);
  });

  it.each([
    ['no URL', 'auth.example', 'ISSUER is missing or no URL'],
    ['empty', '', 'ISSUER is missing or no URL'],
    [
      'a query',
      'https://auth.example/?tenant=1',
      'ISSUER must have no query, fragment or credentials',
    ],
    [
      'a fragment',
      'https://auth.example/#top',
      'ISSUER must have no query, fragment or credentials',
    ],
    [
      'credentials',
      'https://user:pass@auth.example',
      'ISSUER must have no query, fragment or credentials',
    ],
    ['plain http', 'http://auth.example', 'ISSUER must be an https URL'],
    [
      'plain http on a name like localhost',
      'http://localhost.example',
      'ISSUER must be an https URL',
    ],
    [
      'plain http on another, without the dot',
      'http://notlocalhost',
      'ISSUER must be an https URL',
    ],
    ['another scheme', 'ftp://localhost', 'ISSUER must be an https URL'],
  ])('ISSUER: %s', (_, ISSUER, start) => {
    const mistakes = mistakesOf({ ISSUER });
    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toMatch(new RegExp(`^${start}`));
  });

  it.each([
    ['not JSON', 'backend', 'CLIENTS is not JSON'],
    ['no array', '{}', 'CLIENTS: value: expected Array'],
    ['no client_id', '[{}]', 'CLIENTS: 0.client_id: expected'],
    ['an empty client_id', '[{"client_id":""}]', 'CLIENTS: 0.client_id: client_id must be'],
    ['a space in client_id', '[{"client_id":"a b"}]', 'CLIENTS: 0.client_id: client_id must be'],
    ['an unknown key', '[{"client_id":"a","secret":"s"}]', 'CLIENTS: 0.secret: expected never'],
    [
      'an unknown capability',
      '[{"client_id":"a","allow":["all"]}]',
      'CLIENTS: 0.allow.0: expected',
    ],
    [
      'no hash',
      '[{"client_id":"a","secret_sha256":"hunter2","allow":[]}]',
      'CLIENTS: a: secret_sha256 must be a SHA-256',
    ],
    [
      'CLIENTS',
      // The last character's unused bits are set: no SHA-256 would ever be equal to it.
      `[{"client_id":"a","secret_sha256":"${'A'.repeat(42)}B","allow":[]}]`,
      'CLIENTS: a: secret_sha256 must be a SHA-256',
    ],
    [
      'half a hash',
      `[{"client_id":"a","secret_sha256":"${'a'.repeat(63)}","allow":[]}]`,
      'CLIENTS: a: secret_sha256 must be',
    ],
    ['no hashes', '[{"client_id":"a","secret_sha256":[]}]', 'CLIENTS: 0.secret_sha256'],
    [
      'three hashes',
      `[{"client_id":"a","secret_sha256":["${HASH}","${HASH}","${HASH}"]}]`,
      'CLIENTS: 0.secret_sha256',
    ],
    ['a client twice', '[{"client_id":"a"},{"client_id":"a"}]', 'CLIENTS: a is there twice'],
    [
      'a public client that may start sessions',
      '[{"client_id":"a","allow":["refresh","create_sessions"]}]',
      'CLIENTS: a: a client without secret_sha256 is public',
    ],
    [
      'a public client that may introspect',
      '[{"client_id":"a","allow":["introspect"]}]',
      'CLIENTS: a: a client without secret_sha256 is public',
    ],
  ])('CLIENTS: %s', (_, CLIENTS, start) => {
    const mistakes = mistakesOf({ CLIENTS });
    expect(mistakes.length).toBeGreaterThan(0);
    for (const mistake of mistakes) expect(mistake.startsWith(start), mistake).toBe(true);
  });

  it.each(['SESSION_SECRET', 'SESSION_SECRET_PREVIOUS'] as const)('%s that is weak', (name) => {
    for (const weak of ['short', 'x'.repeat(64), 'abcabcabc'.repeat(8), SECRET.slice(0, 31)]) {
      expect(mistakesOf({ [name]: weak })[0]).toMatch(new RegExp(`^${name} is too weak`));
    }
  });

  it.each(['https://a.example,https://b.example', 'urn:a urn:b'])(
    'AUDIENCE that is a list in another form than JSON: %s',
    (AUDIENCE) => {
      expect(mistakesOf({ AUDIENCE })).toEqual([
        expect.stringContaining('AUDIENCE must be one audience'),
      ]);
    },
  );

  it.each([
    ['none', '[]'],
    ['one that is no URI', '["urn:a","api"]'],
    ['one with a fragment', '["https://a.example/#x"]'],
    ['one with a space', '["urn:a b"]'],
    ['one twice', '["urn:a","urn:a"]'],
    ['what is no text', '["urn:a",1]'],
    ['no JSON', '["urn:a"'],
    ['too many', JSON.stringify(Array.from({ length: 21 }, (_, number) => `urn:a:${number}`))],
  ])('AUDIENCE that is a JSON array of %s', (_, AUDIENCE) => {
    expect(mistakesOf({ AUDIENCE })).toEqual([
      expect.stringContaining('AUDIENCE must be a JSON array of 1 to 20 absolute URIs'),
    ]);
  });

  it('ACCOUNT_AUDIENCE that is one of AUDIENCE', () => {
    const variables = { AUDIENCE: '["urn:a","urn:b"]', ACCOUNT_AUDIENCE: 'urn:b' };
    expect(mistakesOf(variables)).toEqual([expect.stringContaining('must differ from AUDIENCE')]);
  });

  it.each([
    ['account', 'must be one absolute URI'],
    ['https://auth.example/#account', 'must be one absolute URI'],
    ['https://auth.example urn:b', 'must be one absolute URI'],
    ['urn:example:api', 'must differ from AUDIENCE'],
  ])('ACCOUNT_AUDIENCE that no client could ask for, or that divides nothing: %s', (value, why) => {
    expect(mistakesOf({ ACCOUNT_AUDIENCE: value })).toEqual([
      expect.stringContaining(`ACCOUNT_AUDIENCE ${why}`),
    ]);
  });

  it('a previous SESSION_SECRET that is the present one', () => {
    expect(mistakesOf({ SESSION_SECRET_PREVIOUS: SECRET })).toEqual([
      'SESSION_SECRET_PREVIOUS must be another secret than SESSION_SECRET',
    ]);
  });

  it('a SESSION_SECRET that is a webhook’s secret, in whichever spelling', () => {
    const base64 = 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw+1/aB3dEfgg=';
    const text = 'another-secret-of-the-tests-0123456789';
    const webhook = { name: 'siem', url: 'https://siem.example' };
    const WEBHOOKS = JSON.stringify([
      { ...webhook, secret: [`whsec_${btoa(text)}`, `whsec_${base64}`] },
    ]);
    for (const secret of [
      `whsec_${base64}`,
      base64,
      base64.slice(0, -1),
      base64.replace('+', '-').replace('/', '_'),
      text,
    ]) {
      const mistake = ' is the secret of the webhook siem; each needs its own';
      for (const name of ['SESSION_SECRET', 'SESSION_SECRET_PREVIOUS'])
        expect(mistakesOf({ WEBHOOKS, [name]: secret })).toEqual([name + mistake]);
    }
    expect(mistakesOf({ WEBHOOKS, SESSION_SECRET_PREVIOUS: '' })).toEqual([]);
  });

  it('a SESSION_SECRET that stands in CLIENTS as the hash of a secret, in whichever spelling', () => {
    const hex = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    const hash = 'ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0';
    const { CLIENTS } = clients({ client_id: 'backend', secret_sha256: hex, allow: [] });
    for (const name of ['SESSION_SECRET', 'SESSION_SECRET_PREVIOUS'])
      for (const secret of [hex, hex.toUpperCase(), hash])
        expect(mistakesOf({ CLIENTS, [name]: secret })).toEqual([
          `${name} is the secret_sha256 of the client backend, which is no secret`,
        ]);
  });

  const webhook = (name: string, secret: string | string[]) => ({
    name,
    url: `https://${name}.example`,
    secret,
  });
  const [ONE, TWO, THREE] = ['one', 'two', 'three'].map(
    (which) => `whsec_${btoa(`webhook secret ${which} of these tests`)}`,
  ) as [string, string, string];
  it.each([
    [
      'one secret for two webhooks',
      [webhook('a', ONE), webhook('b', [TWO, ONE])],
      'a and b have one secret; each needs its own',
    ],
    ['one secret twice for a webhook', [webhook('a', [ONE, ONE])], 'a: both secrets are the same'],
    [
      'a secret that is not random',
      [webhook('a', `whsec_${btoa('a'.repeat(32))}`)],
      'a: secret must be whsec_ and 24 to 64 random bytes in base64',
    ],
    [
      'the secret of the examples',
      [webhook('a', [TWO, 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'])],
      "a: secret is the one of the scheme's own examples",
    ],
  ])('WEBHOOKS with %s', (_, list, mistake) => {
    expect(mistakesOf({ WEBHOOKS: JSON.stringify(list) })).toEqual([`WEBHOOKS: ${mistake}`]);
    const right = [webhook('a', [ONE, TWO]), webhook('b', THREE)];
    expect(mistakesOf({ WEBHOOKS: JSON.stringify(right) })).toEqual([]);
  });

  it('TRUSTED_ISSUERS that names a client that is not there, or this service itself', () => {
    const { CLIENTS } = clients({ client_id: 'app', allow: ['sign_in'] });
    const trusting = (issuer: string, ...named: string[]) => ({
      CLIENTS,
      TRUSTED_ISSUERS: JSON.stringify([{ issuer, audience: 'app', clients: named }]),
    });
    expect(mistakesOf(trusting('https://id.example', 'app'))).toEqual([]);
    expect(mistakesOf(trusting('https://id.example', 'app', 'App'))).toEqual([
      'TRUSTED_ISSUERS: clients names "App", which is not in CLIENTS',
    ]);
    expect(mistakesOf(trusting('https://auth.example', 'app'))).toEqual([
      'TRUSTED_ISSUERS: issuer is this service itself',
    ]);
  });

  it.each([
    ['CLIENTS', '[{"client_id":"a","allow":["refresh"],"allow":["refresh","sign_in"]}]', 'allow'],
    ['CLIENTS', '[{"client_id":"a"},{"client_id":"b" , "client_\\u0069d" : "c"}]', 'client_id'],
    ['HOMES', '[{"home":"DB","regions":[],"regions":["weur"]}]', 'regions'],
    [
      'TRUSTED_ISSUERS',
      '[{"issuer":"https://a.example","audience":"x","issuer":"https://b.example"}]',
      'issuer',
    ],
  ])(
    '%s with a member that is there twice, of which only the last would count: %s',
    (name, text, member) => {
      expect(mistakesOf({ [name]: text })).toEqual([`${name}: an object has "${member}" twice`]);
    },
  );

  it('a member that is there once in each of several objects is no mistake, nor one in a text', () => {
    const CLIENTS = '[{"client_id":"a","origins":[]},{"client_id":"\\"client_id\\":{}"}]';
    expect(mistakesOf({ CLIENTS })).toEqual([]);
  });

  it('SESSION_SECRET that is missing, with the command that makes one', () => {
    expect(mistakesOf({ SESSION_SECRET: undefined })[0]).toMatch(
      /^SESSION_SECRET is missing: .*openssl rand -base64 32/,
    );
  });

  it('signing keys that a verifier could meet before it knows them, or forget too early', () => {
    expect(mistakesOf({ SIGNING_KEY_PUBLISH_AHEAD_SECONDS: '599' })).toEqual([
      'SIGNING_KEY_PUBLISH_AHEAD_SECONDS must be at least 600 (JWKS_MAX_AGE_SECONDS + 300)',
    ]);
    expect(mistakesOf({ SIGNING_KEY_PUBLISH_AHEAD_SECONDS: '600' })).toEqual([]);
    expect(mistakesOf({ SIGNING_KEY_RETIRE_SECONDS: '359' })).toEqual([
      'SIGNING_KEY_RETIRE_SECONDS must be at least ACCESS_TOKEN_TTL_SECONDS + 60',
    ]);
    expect(mistakesOf({ SIGNING_KEY_LIFETIME_SECONDS: '86400' })).toEqual([
      'SIGNING_KEY_LIFETIME_SECONDS must be more than SIGNING_KEY_PUBLISH_AHEAD_SECONDS',
    ]);
  });

  it('repeat no value that may be secret', () => {
    const canaries = [
      'canary-secret-1',
      'canary-secret-2',
      'canary-hash-3',
      'canary-password-4',
      'canary-number-5',
    ];
    const message = mistakesOf({
      SESSION_SECRET: canaries[0],
      SESSION_SECRET_PREVIOUS: canaries[1],
      CLIENTS: JSON.stringify([
        { client_id: 'a', secret_sha256: canaries[2], allow: ['introspect'] },
      ]),
      ISSUER: `https://user:${canaries[3]}@auth.example`,
      D1_TIMEOUT_MS: canaries[4],
    }).join('\n');
    expect(message.split('\n')).toHaveLength(5);
    for (const canary of canaries) expect(message).not.toContain(canary);
    for (const CLIENTS of [
      `[{"client_id":"a","secret_sha256":"${canaries[0]}"`,
      `["${canaries[0]}"]`,
    ]) {
      expect(mistakesOf({ CLIENTS }).join()).not.toContain(canaries[0]);
    }
  });
});

describe('a Worker with a broken configuration', () => {
  const broken = {
    DB: testEnv.DB,
    ISSUER: 'nowhere',
    AUDIENCE: 'urn:a',
    SESSION_SECRET: 'canary-weak',
  } as Env;
  const routes = [...ALL_ROUTES, { method: 'GET', path: '/nothing', pattern: '' }];

  it.each(routes)('answers 503 to $method $path and logs every mistake once', async (route) => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    const request = new Request(`https://auth.example${route.path}`, toInit(route));
    const response = await worker.fetch(request as never, broken, {} as ExecutionContext);
    const lines = error.mock.calls.map(([line]) => JSON.parse(line));
    const requests = log.mock.calls.map(([line]) => JSON.parse(line));
    error.mockRestore();
    log.mockRestore();
    expect(response.status).toBe(503);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ code: 'config_invalid', status: 503 });
    expect(text).not.toMatch(/ISSUER|SESSION_SECRET|canary/);
    expect(lines).toEqual([
      {
        level: 'error',
        event: 'config_invalid',
        request_id: response.headers.get('x-request-id'),
        mistakes: [expect.stringMatching(/^ISSUER/), expect.stringMatching(/^SESSION_SECRET/)],
      },
    ]);
    expect(requests).toEqual([
      expect.objectContaining({ event: 'request', status: 503, outcome: 'config_invalid' }),
    ]);
  });

  it('runs no cron job', async () => {
    await expect(
      worker.scheduled({ scheduledTime: 0 } as ScheduledController, broken),
    ).rejects.toThrow(ConfigError);
  });
});

describe('a client’s secret that is also another one', () => {
  const WEBHOOK = `whsec_${btoa('a webhook secret of these tests, +/')}`;
  const PREVIOUS = 'the-previous-secret-of-the-tests-0123456789';
  const withSecret = async (secret: string): Promise<Env> => ({
    ...base,
    SESSION_SECRET_PREVIOUS: PREVIOUS,
    WEBHOOKS: JSON.stringify([{ name: 'siem', url: 'https://siem.example', secret: WEBHOOK }]),
    ...clients({ client_id: 'backend', secret_sha256: await sha256Hex(secret), allow: [] }),
  });
  const owned = (secret: string) =>
    `${secret} is the secret of the client backend; each needs its own`;

  it.each([
    [SECRET, owned('SESSION_SECRET')],
    [PREVIOUS, owned('SESSION_SECRET_PREVIOUS')],
    [WEBHOOK, owned('The secret of the webhook siem')],
    [WEBHOOK.slice('whsec_'.length), owned('The secret of the webhook siem')],
    ['a webhook secret of these tests, +/', owned('The secret of the webhook siem')],
  ])(
    '%s: answers 503 to everything, logs the mistake, and runs no cron job',
    async (secret, mistake) => {
      const error = vi.spyOn(console, 'error').mockImplementation(() => {});
      vi.spyOn(console, 'log').mockImplementation(() => {});
      const broken = await withSecret(secret);
      const ask = () =>
        worker.fetch(
          new Request('https://auth.example/healthz') as never,
          broken,
          {} as ExecutionContext,
        );
      for (const response of [await ask(), await ask()]) expect(response.status).toBe(503);
      const mistakes = error.mock.calls.map(([line]) => JSON.parse(line).mistakes);
      vi.restoreAllMocks();
      expect(mistakes).toEqual([[mistake], [mistake]]);
      await expect(
        worker.scheduled({ scheduledTime: 0 } as ScheduledController, broken),
      ).rejects.toThrow(ConfigError);
    },
  );

  it('a secret of its own is right', async () => {
    vi.spyOn(console, 'log').mockImplementation(() => {});
    const right = await withSecret('a-secret-of-its-own-0123456789-abcdef');
    const request = new Request('https://auth.example/healthz') as never;
    expect((await worker.fetch(request, right, {} as ExecutionContext)).status).toBe(200);
    vi.restoreAllMocks();
  });
});

describe('HOMES', () => {
  const two = { DB_WEUR: testEnv.DB_WEUR } as object;
  const homes = (...list: unknown[]) => ({ ...two, HOMES: JSON.stringify(list) });

  it('describes what is bound; what it does not describe takes only those who are named', () => {
    const parsed = parseConfig({
      ...base,
      ...homes({ home: 'DB', regions: ['enam'], jurisdiction: 'us' }),
    } as Env).homes;
    expect([...parsed.values()].map(({ binding: _, ...home }) => home)).toEqual([
      { name: 'DB', regions: ['enam'], jurisdiction: 'us', newUsers: 'any' },
      { name: 'DB_WEUR', regions: [], jurisdiction: null, newUsers: 'named' },
    ]);
  });

  it.each([
    ['no JSON', { HOMES: '{' }, 'HOMES is not JSON'],
    [
      'no binding',
      homes({ home: 'DB_MARS' }),
      'HOMES: there is no D1 binding of the name "DB_MARS"',
    ],
    [
      'a binding that is no database',
      { DB_X: 'text', ...homes({ home: 'DB_X' }) },
      'HOMES: there is no D1 binding of the name "DB_X"',
    ],
    ['twice', homes({ home: 'DB' }, { home: 'DB' }), 'HOMES: "DB" is there twice'],
    [
      'nobody new anywhere',
      homes({ home: 'DB', new_users: 'none' }),
      'HOMES: one home at least must take any new users',
    ],
  ])('%s', (_, variables, mistake) => {
    expect(mistakesOf(variables as never)).toContain(mistake);
  });

  it('a region, a jurisdiction and new_users are of those that there are', () => {
    const wrong = homes({ home: 'DB', regions: ['mars'], jurisdiction: 'moon', new_users: 'few' });
    expect(mistakesOf(wrong as never)).toHaveLength(3);
  });

  it('DB has to be there', () => {
    expect(mistakesOf({ DB: undefined } as never)).toContain(
      'DB is missing: bind a D1 database under this name',
    );
  });
});

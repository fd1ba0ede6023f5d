/**
 * Single values written into wrangler.toml and wrangler.jsonc (src/cli/settings/), and the entries
 * of `client add` and `issuer add`.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseSettings, withSetting } from '../../src/cli/settings/settings-file.ts';

const CLI = resolve(import.meta.dirname, '../../scripts/cli.ts');

const TOML = `# mine
name = "sessions"   # of the team

[vars]
ISSUER = "https://auth.example.com"
AUDIENCE = 'https://api.example.com'
CLIENTS = '''
[
  {"client_id":"web"}, 
  {"client_id":"ios"}
]''' # two apps
BRAND_NAME = "It's mine"

[[d1_databases]]
binding = "DB"

[env.staging]
vars.ISSUER = "https://auth.staging.example.com" # dotted
vars.AUDIENCE = "https://api.staging.example.com"
d1_databases = [{ binding = "DB" }]

[env.bare]
`;

const JSONC = `// mine
{
  "name": "sessions", // of the team
  "vars": {
    "ISSUER": "https://auth.example.com",
    "AUDIENCE": "https://api.example.com",
    /* two apps */
    "CLIENTS": "[{\\"client_id\\":\\"web\\"}]",
  },
  "d1_databases": [{ "binding": "DB" }],
}
`;

describe('a value', () => {
  const written = (text: string, path: (string | number)[], value: string, after?: string) =>
    withSetting(parseSettings('wrangler.toml', text), path, value, after);

  it.each([
    [
      'replaces the one that is there',
      ['vars', 'ISSUER'],
      'https://a.example',
      '"https://auth.example.com"',
      '"https://a.example"',
    ],
    [
      'is JSON without escapes where it can be',
      ['vars', 'ISSUER'],
      '["a"]',
      '"https://auth.example.com"',
      `'["a"]'`,
    ],
    [
      'is added behind another one',
      ['vars', 'HOMES'],
      '[]',
      'example.com"\nAUDIENCE',
      'example.com"\nHOMES = "[]"\nAUDIENCE',
      'ISSUER',
    ],
    [
      'is added as the last of its block',
      ['vars', 'HOMES'],
      '[]',
      '"It\'s mine"\n',
      '"It\'s mine"\nHOMES = "[]"\n',
    ],
    [
      'is added where keys are dotted',
      ['env', 'staging', 'vars', 'HOMES'],
      '[]',
      'api.staging.example.com"\n',
      'api.staging.example.com"\nvars.HOMES = "[]"\n',
    ],
    [
      'is added to a block that is empty',
      ['env', 'bare', 'name'],
      'x',
      '[env.bare]\n',
      '[env.bare]\nname = "x"\n',
    ],
    [
      'brings its block along',
      ['env', 'new.one', 'vars', 'A'],
      'it\'s "b"',
      '[env.bare]\n',
      '[env.bare]\n\n[env."new.one".vars]\nA = "it\'s \\"b\\""\n',
    ],
  ])('%s, and nothing else is changed', (_, path, value, before, after, behind?: string) => {
    for (const eol of ['\n', '\r\n']) {
      const withEnds = (text: string) => text.replaceAll('\n', eol);
      expect(written(withEnds(TOML), path, value, behind)).toBe(
        withEnds(TOML.replace(before as string, after as string)),
      );
    }
  });

  it('is not put into a table that is written in one line, or behind a text', () => {
    for (const path of [
      ['env', 'staging', 'd1_databases', 0, 'database_id'],
      ['name', 'x'],
    ])
      expect(() => written(TOML, path, 'x')).toThrow('cannot be written into wrangler.toml');
  });

  it('of a file that cannot be read is told with its line', () => {
    expect(() => parseSettings('wrangler.toml', 'a = 1\nb =\n')).toThrow(/wrangler\.toml.*line 3/);
    expect(() => parseSettings('wrangler.jsonc', '{\n"a": }')).toThrow(/wrangler\.jsonc.*line 2/);
  });
});

describe('client add and issuer add', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'settings-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const put = (name: string, text: string) => writeFileSync(join(folder, name), text);
  const text = (name: string) => readFileSync(join(folder, name), 'utf8');
  const run = (...args: string[]) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((ended) => {
      execFile(process.execPath, [CLI, ...args, '--cwd', folder], (error, stdout, stderr) =>
        ended({ code: Number(error?.code ?? 0), stdout, stderr }),
      );
    });

  it('write into wrangler.toml as its list is written, with a comment in its place', async () => {
    put('wrangler.toml', TOML);
    expect(await run('client', 'add', 'web-2', '--origin', 'https://app.example')).toMatchObject({
      code: 0,
      stdout:
        'web-2 is in CLIENTS of wrangler.toml, which has 108 of 5120 bytes; deploy to make it known\n',
    });
    expect(text('wrangler.toml')).toBe(
      TOML.replace(
        '{"client_id":"ios"}\n',
        '{"client_id":"ios"},\n  {"client_id":"web-2","origins":["https://app.example"]}\n',
      ),
    );
    const issuer = ['https://id.example/', '--audience', 'a,b', '--client', 'web-2'];
    expect(await run('issuer', 'add', ...issuer)).toMatchObject({ code: 0 });
    expect(text('wrangler.toml')).toContain(
      `"It's mine"\nTRUSTED_ISSUERS = '[{"issuer":"https://id.example/","audience":["a","b"],"clients":["web-2"]}]'\n`,
    );
  });

  it('write into wrangler.jsonc, and an environment of it, and answer as JSON', async () => {
    put('wrangler.jsonc', JSONC);
    const backend = ['client', 'add', 'backend', '--allow', 'create_sessions', '--for', 'web'];
    const { stdout } = await run(...backend, '--json');
    const { entry, secret, written } = JSON.parse(stdout);
    expect(written).toMatchObject({ file: 'wrangler.jsonc', variable: 'CLIENTS' });
    const { vars } = parseSettings('wrangler.jsonc', text('wrangler.jsonc')).raw;
    expect(JSON.parse(vars?.CLIENTS as string)).toEqual([{ client_id: 'web' }, entry]);
    expect(text('wrangler.jsonc')).toContain('/* two apps */');
    expect(text('wrangler.jsonc')).not.toContain(secret);
  });

  it('go on in CLIENTS_2 where 5 KB would be passed', async () => {
    const many = Array.from({ length: 60 }, (_, index) => ({
      client_id: `client-${index}-${'x'.repeat(60)}`,
    }));
    put('wrangler.toml', TOML.replace(/'''[^']*'''/, `'${JSON.stringify(many)}'`));
    expect((await run('client', 'add', 'web')).stdout).toContain('web is in CLIENTS_2 of');
    expect((await run('client', 'add', 'ios')).stdout).toContain('ios is in CLIENTS_2 of');
    expect(text('wrangler.toml')).toContain(
      `}]' # two apps\nCLIENTS_2 = '[{"client_id":"web"},{"client_id":"ios"}]'\n`,
    );
  });

  it.each([
    ['an entry that the service would refuse', ['client', 'add', 'a b'], 'client_id must be'],
    ['a client that is there', ['client', 'add', 'web'], 'web is there twice'],
    [
      'a backend for nobody',
      ['client', 'add', 'b', '--allow', 'refresh', '--for', 'c'],
      'must name clients',
    ],
    [
      'an issuer by http',
      ['issuer', 'add', 'http://id.example/', '--audience', 'a'],
      'must be an https URL',
    ],
    [
      'an environment that is not there',
      ['client', 'add', 'b', '--env', 'x'],
      'no [env.x]; it has [env.staging], [env.bare]',
    ],
  ])('refuse %s, and write nothing', async (_, args, sentence) => {
    put('wrangler.toml', TOML);
    const { code, stdout, stderr } = await run(...args);
    expect({ code, stdout }).toEqual({ code: expect.any(Number), stdout: '' });
    expect(code).toBeGreaterThan(0);
    expect(stderr).toContain(sentence);
    expect(text('wrangler.toml')).toBe(TOML);
  });

  it('say what to do in a folder that is no deployment', async () => {
    expect(await run('client', 'add', 'web')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('edge-sessions init'),
    });
  });
});

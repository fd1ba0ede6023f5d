/** wrangler.toml under `npm start`, beside `.dev.vars` and `--var` (scripts/local-variables.ts). */
import { expect, it } from 'vitest';
import { toLocalVariables } from '../../scripts/local-variables.ts';

const DEFAULTS = {
  ISSUER: 'http://localhost:8787',
  AUDIENCE: 'http://localhost:8787/api',
  CLIENTS: '[]',
};
const demo = { CLIENTS: '[{"client_id":"demo-app"}]' };

it.each([
  [
    'another port: the audience follows it',
    DEFAULTS,
    'http://localhost:9000',
    { ISSUER: 'http://localhost:9000', AUDIENCE: 'http://localhost:9000/api' },
  ],
  [
    'the port of wrangler.toml: nothing moves',
    DEFAULTS,
    'http://localhost:8787',
    { ISSUER: 'http://localhost:8787' },
  ],
  [
    'production’s: the path stays, and so does an audience that is elsewhere',
    {
      ISSUER: 'https://app.example.com/auth/',
      AUDIENCE: 'https://api.example.com',
      ACCOUNT_AUDIENCE: 'https://app.example.com/auth',
    },
    'http://localhost:8787',
    {
      ISSUER: 'http://localhost:8787/auth',
      ACCOUNT_AUDIENCE: 'http://localhost:8787/auth',
    },
  ],
  [
    'by https',
    DEFAULTS,
    'https://localhost:8787',
    { ISSUER: 'https://localhost:8787', AUDIENCE: 'https://localhost:8787/api' },
  ],
  [
    'a name below localhost is kept',
    { ...DEFAULTS, ISSUER: 'http://auth.app.localhost:8787' },
    'http://localhost:9000',
    { ISSUER: 'http://auth.app.localhost:9000' },
  ],
])('%s', (_, file, origin, vars) => {
  expect(toLocalVariables(file, {}, {}, origin).vars).toEqual(vars);
});

it('what .dev.vars and --var say stays', () => {
  const audience = { AUDIENCE: 'urn:example:api' };
  const given = { ISSUER: 'http://localhost:1/auth', CLIENTS: '[]' };
  expect(
    toLocalVariables(DEFAULTS, { ...demo, ...audience }, given, 'http://localhost:9000'),
  ).toEqual({
    issuer: 'http://localhost:1/auth',
    vars: { ISSUER: 'http://localhost:1/auth' },
    notes: [],
  });
});

it('says what is otherwise than in wrangler.toml', () => {
  const file = { ISSUER: 'https://auth.example.com', AUDIENCE: 'https://auth.example.com/api' };
  expect(toLocalVariables(file, {}, {}, 'http://localhost:8787').notes).toEqual([
    'ISSUER is http://localhost:8787 here, not https://auth.example.com',
    'AUDIENCE is http://localhost:8787/api here, not https://auth.example.com/api',
  ]);
});

it('has the clients of wrangler.toml beside those of the demo, and says which', () => {
  const web = { client_id: 'web', origins: ['http://localhost:3000'] };
  const file = { ...DEFAULTS, CLIENTS: JSON.stringify([web, { client_id: 'demo-app', x: 1 }]) };
  const { vars, notes } = toLocalVariables(file, demo, {}, 'http://localhost:8787');
  expect(JSON.parse(vars.CLIENTS as string)).toEqual([{ client_id: 'demo-app' }, web]);
  expect(notes).toEqual([
    'CLIENTS: demo-app as .dev.vars has it, not as wrangler.toml does',
    'CLIENTS: web of wrangler.toml, beside demo-app of .dev.vars',
  ]);
  expect(
    toLocalVariables(DEFAULTS, demo, {}, 'http://localhost:8787').vars.CLIENTS,
  ).toBeUndefined();
});

it.each(['{', '{}', '"x"'])('CLIENTS = %s is said to be none, and not repeated', (CLIENTS) => {
  expect(() =>
    toLocalVariables({ ...DEFAULTS, CLIENTS }, demo, {}, 'http://localhost:8787'),
  ).toThrow(/^CLIENTS in wrangler\.toml is no JSON array$/);
});

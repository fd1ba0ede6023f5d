/**
 * The tables of the pages name what the source has: each field, parameter, header, call, variable
 * and value, and none that is gone.
 */
import { describe, expect, it } from 'vitest';
import manifest from '../package.json';
import { CALL_NAMES } from '../src/calls/calls';
import { change } from '../src/calls/change-fields';
import { newSession } from '../src/calls/start-calls';
import { clientSchema } from '../src/config/clients';
import { sessionEventsThatAre } from '../src/config/event-types';
import { JURISDICTIONS, REGIONS } from '../src/config/homes';
import { ADDRESS_STORAGES, RISK_POLICIES } from '../src/config/risk';
import { clientSessionsSchema } from '../src/config/session-policy';
import { SIGNING_ALGS } from '../src/config/signing-key-policy';

const pages: Record<string, string> = import.meta.glob('../docs/*.md', {
  query: '?raw',
  eager: true,
  import: 'default',
});
const sources: Record<string, string> = import.meta.glob('../src/**/*.{ts,tsx}', {
  query: '?raw',
  eager: true,
  import: 'default',
});

const pageOf = (name: string) => pages[`../docs/${name}.md`] ?? '';
const sourceOf = (path: string) => sources[`../src/${path}`] ?? '';

/** What stands in code in the first column of the table whose head begins so. */
function firstColumn(page: string, head: string): string[] {
  const text = pageOf(page);
  const at = text.indexOf(`\n${head}`);
  if (at === -1) throw new Error(`docs/${page}.md has no table ${head}`);
  const [table = ''] = text.slice(at + 1).split('\n\n');
  return table
    .split('\n')
    .slice(2)
    .flatMap((row) => inCode(row.split('|')[1] ?? ''));
}

const inCode = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code as string);

/** The names of an object type or literal of a source, from the line that begins so. */
function membersIn(path: string, from: string): string[] {
  const text = sourceOf(path);
  const at = text.indexOf(from);
  if (at === -1) throw new Error(`${path} has no ${from}`);
  const [, body = ''] = /\{\n(.*?)\n\}/s.exec(text.slice(at)) ?? [];
  return [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??[(:]/gm)].map(([, name]) => name as string);
}

/** The members of the entries of a setting's list. */
const membersOfSchema = (path: string) =>
  sorted(
    [...sourceOf(path).matchAll(/^ {4}(\w+): (?:v\.|oneOrTwo)/gm)].map(
      ([, name]) => name as string,
    ),
  );

const sorted = (names: Iterable<string>) => [...new Set(names)].sort();

describe('docs/api.md', () => {
  it('has every field of a new session', () => {
    // The browser is a field of the route's own.
    expect(sorted(firstColumn('api', '| field | |\n|---|---|\n| `user_id` |'))).toEqual(
      sorted([...Object.keys(newSession), 'browser']),
    );
  });

  it('has every parameter that picks some of a user’s sessions', () => {
    const names = membersIn('sessions/filter.ts', 'export interface SessionFilter');
    expect(sorted(firstColumn('api', '| parameter |'))).toEqual(
      sorted(
        names.map((name) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)),
      ),
    );
  });

  it('has everything that a live session can be changed in', () => {
    expect(sorted(firstColumn('api', '| field | |\n|---|---|\n| `claims` |'))).toEqual(
      sorted([...Object.keys(change), 'label', 'reason']),
    );
  });
});

describe('docs/clients.md, docs/configuration.md and docs/account-page.md', () => {
  it('have every member of an entry of CLIENTS', () => {
    const texts = ['clients', 'configuration', 'account-page', 'browsers', 'accounts'].map(pageOf);
    const told = new Set(
      texts.flatMap((text) => [...text.matchAll(/[`"](\w+)["`]/g)].map(([, name]) => name)),
    );
    expect(Object.keys(clientSchema.entries).filter((name) => !told.has(name))).toEqual([]);
  });

  it('have every member of its `sessions`', () => {
    expect(sorted(firstColumn('clients', '| `sessions` |'))).toEqual(
      sorted(Object.keys(clientSessionsSchema.entries)),
    );
  });
});

describe('docs/homes.md', () => {
  it('has every member of an entry of HOMES, and what it may say', () => {
    const members = [...sourceOf('config/homes.ts').matchAll(/^ {4}(\w+): v\./gm)].map(
      ([, name]) => name as string,
    );
    expect(sorted(firstColumn('homes', '| field of `HOMES` |'))).toEqual(sorted(members));
    for (const value of [...REGIONS, ...JURISDICTIONS])
      expect(pageOf('homes')).toContain(`\`${value}\``);
  });
});

describe('docs/rpc.md', () => {
  it('has every call', () => {
    const inTables = firstColumn('rpc', '| | needs |').filter((name) => !/_|^act$/.test(name));
    expect(sorted(inTables)).toEqual(sorted(CALL_NAMES));
  });
});

describe('docs/mounting.md', () => {
  it('has every option, and all that is given', () => {
    const options = membersIn('mount.ts', 'export interface MountOptions').filter(
      (name) => name !== 'env',
    );
    expect(sorted(firstColumn('mounting', '| option |'))).toEqual(sorted(options));
    const given = firstColumn('mounting', '| it gives |').map((name) => name.replace(/\(.*/, ''));
    expect(sorted(given.filter((name) => /^\w+$/.test(name)))).toEqual(
      sorted(membersIn('mount.ts', 'export interface MountedSessions')),
    );
  });
});

describe('docs/configuration.md', () => {
  const DAY = 86_400;
  const toNumber = (product: string) =>
    product
      .split('*')
      .map((factor) => (factor.trim() === 'DAY' ? DAY : Number(factor.replaceAll('_', ''))))
      .reduce((one, other) => one * other);
  const settings = Object.entries(sources)
    .filter(([path]) => path.includes('/src/config/'))
    .map(([, text]) => text);
  const rows = pageOf('configuration')
    .split('\n')
    .filter((line) => /^\| `[A-Z]/.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  const told = new Map(rows.map(([, name = '', byDefault = '']) => [name, byDefault]));

  it('names no setting that is gone', () => {
    const known = membersIn('env.ts', 'export interface Bindings');
    expect(known).toContain('RISK_POLICY');
    const names = [...told.keys()].flatMap(inCode);
    expect(names.filter((name) => !known.includes(name))).toEqual([]);
  });

  it('has the numbers that hold where nothing is set', () => {
    const numbers = settings.flatMap((text) => [
      ...text.matchAll(/wholeNumber\('(\w+)', \{\s*byDefault: ([\d_]+(?: \* DAY)?|DAY),/g),
    ]);
    expect(numbers.length).toBeGreaterThan(14);
    for (const [, name = '', byDefault = ''] of numbers)
      expect([name, Number.parseInt(told.get(`\`${name}\``) ?? '', 10)]).toEqual([
        name,
        toNumber(byDefault),
      ]);
  });

  it('has the choice that holds where nothing is set, and the others', () => {
    const choices: Record<string, readonly string[]> = {
      RISK_POLICY: RISK_POLICIES,
      ADDRESS_STORAGE: ADDRESS_STORAGES,
      ACCESS_TOKEN_ALG: SIGNING_ALGS,
      SESSION_LIMIT_POLICY: ['evict_oldest', 'reject'],
      HSTS: ['host', 'subdomains', 'off'],
    };
    const named = settings.flatMap((text) => [...text.matchAll(/oneOf\('(\w+)'/g)]);
    for (const [, name = ''] of named) expect(Object.keys(choices)).toContain(name);
    for (const [name, [byDefault, ...others]] of Object.entries(choices)) {
      expect([name, told.get(`\`${name}\``)]).toEqual([name, `\`${byDefault}\``]);
      const row = rows.find(([, first]) => first === `\`${name}\``)?.join('|') ?? '';
      for (const other of others) expect(row).toContain(`\`${other}\``);
    }
  });
});

describe('docs/verifying.md', () => {
  it('has every claim that the service puts into an access token', () => {
    const [, claims = ''] =
      /const ISSUED_CLAIMS =\s+'([^']+)'/.exec(sourceOf('tokens/access-token.ts')) ?? [];
    expect(sorted(firstColumn('verifying', '| claim |'))).toEqual(sorted(claims.split(' ')));
  });
});

describe('docs/security-log.md', () => {
  it('has every reason by which a caller looks like somebody else', () => {
    const reasons = membersIn('risk/assess.ts', 'const WEIGHTS');
    expect(reasons).toContain('impossible_travel');
    for (const reason of reasons) expect(pageOf('security-log')).toContain(`\`${reason}\``);
  });

  it('has what an endpoint is told of unless it says', () => {
    const events = [...sessionEventsThatAre('actionable')];
    expect(events.length).toBeGreaterThan(5);
    const [, sentence = ''] = /unless given, it is (.*?)\.\n/s.exec(pageOf('security-log')) ?? [];
    expect(sorted(inCode(sentence).filter((name) => name !== 'log'))).toEqual(sorted(events));
  });

  it('has every member of an entry of WEBHOOKS', () => {
    for (const member of ['name', 'url', 'secret', 'events', 'format'])
      expect(pageOf('security-log')).toMatch(new RegExp(`["\`]${member}["\`]`));
    expect(membersOfSchema('config/webhooks.ts')).toEqual([
      'events',
      'format',
      'name',
      'secret',
      'url',
    ]);
  });
});

describe('docs/browsers.md', () => {
  it('has every member of an entry of TRUSTED_ISSUERS', () => {
    const [section = ''] =
      /## Sign-in by an OpenID provider.*?(?=\n## )/s.exec(pageOf('browsers')) ?? [];
    for (const member of membersOfSchema('config/trusted-issuers.ts'))
      expect(section).toMatch(new RegExp(`["\`]${member}["\`]`));
  });
});

describe('the pages of browsers', () => {
  it('name every cookie that the service sets', () => {
    const cookies = Object.entries(sources)
      .filter(([path]) => !/\/src\/(console|dev)\//.test(path))
      .flatMap(([, text]) => [...text.matchAll(/['`](?:__Host-)(\w+)['`]/g)])
      .map(([, name]) => `__Host-${name}`);
    expect(sorted(cookies)).toContain('__Host-account');
    const text = Object.values(pages).join('\n');
    expect(sorted(cookies).filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  });
});

describe('docs/gateways.md', () => {
  it('has every header that a gateway sends or is given', () => {
    const headers = [
      'http/gateway/verify-routes.ts',
      'http/gateway/visitor-request.ts',
      'http/gateway/gateway-auth.ts',
    ]
      .map(sourceOf)
      .flatMap((text) => [...text.matchAll(/'(X-[\w-]+)'/g)])
      .map(([, name]) => name as string);
    expect(headers.length).toBeGreaterThan(7);
    const page = pageOf('gateways');
    expect(sorted(headers).filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
    const named = firstColumn('gateways', '| header of the gateway |');
    expect(named.filter((name) => !headers.includes(name))).toEqual([]);
  });
});

describe('docs/console.md', () => {
  it('has every variable of the console', () => {
    const variables = membersIn('console/console-env.ts', 'export interface ConsoleEnv');
    expect(variables).toContain('OPERATOR_ACR');
    const named = [...pageOf('console').matchAll(/\b[A-Z][A-Z_]+[A-Z]\b/g)].map(([name]) => name);
    expect(variables.filter((name) => !named.includes(name))).toEqual([]);
    const inTable = firstColumn('console', '| variable |');
    expect(inTable.filter((name) => !variables.includes(name))).toEqual([]);
  });
});

describe('docs/metrics.md', () => {
  it('has everything that is counted', () => {
    const text = sourceOf('security-log/count-events.ts');
    const [, labels = ''] = /const LABELS = sql`json_object\((.*?)\)`;/s.exec(text) ?? [];
    const constants = [...text.matchAll(/^const (STARTED|ENDED) = '(\w+)'/gm)].map(
      ([, , name]) => name as string,
    );
    const named = [...labels.matchAll(/'([a-z]+(?:_[a-z]+)*)', (?:\$\{TYPE\}|iif)/g)].map(
      ([, name]) => name as string,
    );
    const [, tallied = ''] =
      /export type TallyName = (.*);/.exec(sourceOf('service/tally.ts')) ?? [];
    const all = [
      ...constants,
      ...named,
      ...[...tallied.matchAll(/'(\w+)'/g)].map(([, name]) => name as string),
    ];
    expect(sorted(firstColumn('metrics', '| `counts` |'))).toEqual(sorted(all));
  });

  it('has every outcome of a refresh', () => {
    const text = sourceOf('sessions/refresh-case.ts') + sourceOf('sessions/recovery.ts');
    const [, outcome = '', repeat = ''] =
      /type RefreshOutcome = (.*?);.*type RepeatOutcome = (.*?);/s.exec(text) ?? [];
    const outcomes = [...`${outcome} ${repeat}`.matchAll(/'(\w+)'/g)].map(([, name]) => name);
    const [, row = ''] = /^\| `refreshes` \|([^|]*)\|/m.exec(pageOf('metrics')) ?? [];
    expect(sorted(inCode(row))).toEqual(sorted(outcomes as string[]));
  });

  it('has every span', () => {
    const spans = Object.values(sources).flatMap((text) => [
      ...text.matchAll(/inSpan\(\s*'(\w+)'/g),
    ]);
    expect(spans.length).toBeGreaterThan(2);
    for (const [, name] of spans) expect(pageOf('metrics')).toContain(`\`${name}\``);
  });
});

describe('docs/runbooks.md', () => {
  const writers = Object.entries(sources)
    .map(([path, text]) => ({ name: path.replace('../src/', ''), text }))
    .filter(
      ({ name, text }) =>
        !/^(cli|dev)\//.test(name) && /\bconsole(?:\.(?:debug|log|warn|error)\(|\[)/.test(text),
    );
  const LITERAL = /\bevent(?:: | = )(?:\w+ \? )?'(\w+)'(?: : '(\w+)')?/g;
  const literals = writers.map(({ name, text }) => ({
    name,
    events: [...text.matchAll(LITERAL)].flatMap(([, ...found]) =>
      found.filter((event) => event !== undefined),
    ),
  }));

  it('has every event of the log that is none of the security log or the audit log', () => {
    const codes = [
      ...sourceOf('calls/fault.ts').matchAll(/^ {2}code: (.*);$/gm),
      ...sourceOf('calls/warnings.ts').matchAll(/^ {2}code: (.*),$/gm),
    ].flatMap(([, names = '']) =>
      [...names.matchAll(/'(\w+)'/g)].map(([, code]) => code as string),
    );
    expect(codes.length).toBeGreaterThan(4);
    expect(sorted(firstColumn('runbooks', '| event of operation |'))).toEqual(
      sorted([...literals.flatMap(({ events }) => events), ...codes]),
    );
  });

  it('leaves to other lists only what is logged by a name that a type has', () => {
    expect(literals.filter(({ events }) => events.length === 0).map(({ name }) => name)).toEqual([
      // The codes of faults and of warnings.
      'calls/fault.ts',
      'calls/warnings.ts',
      // The events of the audit log and of the security log.
      'service/acts.ts',
      'service/report.ts',
    ]);
  });
});

describe('docs/personal-data.md', () => {
  it('has every table that knows a person', () => {
    const nobodys = [
      'cleanup_runs',
      'cleanup_state',
      'counts',
      'signing_keys',
      'used_assertions',
      'webhook_pauses',
    ];
    const tables = Object.entries(sources)
      .filter(([path]) => path.includes('/db/tables/'))
      .flatMap(([, text]) => [...text.matchAll(/sqliteTable\(\s*'(\w+)'/g)])
      .map(([, name]) => name as string);
    expect(sorted([...firstColumn('personal-data', '| where |'), ...nobodys])).toEqual(
      sorted(tables),
    );
  });
});

describe('docs/coming-from-elsewhere.md', () => {
  it('has every system, and everything that may come of a session', () => {
    const systems = [
      ...sourceOf('cli/import/other-systems.ts').matchAll(/^ {2}'?([a-z-]+)'?[:,]/gm),
    ].map(([, name]) => name as string);
    const [, row = ''] = /^\| `--from` \|(.*)\|$/m.exec(pageOf('coming-from-elsewhere')) ?? [];
    expect(sorted(inCode(row))).toEqual(sorted(systems));
    const [, type = ''] =
      /export type Imported =(.*?);\n\n/s.exec(sourceOf('service/import-sessions.ts')) ?? [];
    const outcomes = [...type.matchAll(/outcome: ([^;}]+)/g)].flatMap(([, names = '']) => [
      ...names.matchAll(/'(\w+)'/g),
    ]);
    expect(sorted(firstColumn('coming-from-elsewhere', '| `outcome` |'))).toEqual(
      sorted(outcomes.map(([, name]) => name as string)),
    );
  });
});

describe('docs/own-worker.md', () => {
  it('has everything that the package exports', () => {
    const told = firstColumn('own-worker', '| import |').filter((name) =>
      name.startsWith('edge-sessions/'),
    );
    expect(sorted(told)).toEqual(
      sorted(Object.keys(manifest.exports).map((name) => name.replace('.', 'edge-sessions'))),
    );
  });
});

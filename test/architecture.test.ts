/** Who may import what, and what may stand where. */
import { describe, expect, it } from 'vitest';

const sources: Record<string, string> = import.meta.glob('../src/**/*.{ts,tsx}', {
  query: '?raw',
  eager: true,
  import: 'default',
});
const files = Object.entries(sources).map(([path, text]) => {
  const name = path.replace('../src/', '');
  const imports = [...text.matchAll(/^(?:import|export)\s[^;'"]*?(?:from\s+)?'([^']+)';/gms)].map(
    ([, target]) => target as string,
  );
  return {
    name,
    folder: name.includes('/') ? (name.split('/')[0] as string) : '',
    lines: text.trimEnd().split('\n').length,
    code: text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, ''),
    packages: imports.filter((target) => !target.startsWith('.')),
    local: imports
      .filter((target) => target.startsWith('.'))
      .map((target) => resolve(name, target)),
  };
});

function resolve(from: string, target: string): string {
  return new URL(target, `file:///${from}`).pathname.slice(1).replace(/\.tsx?$/, '');
}

/** The layer of a file; an import may not go to a higher one. */
function layerOf(name: string): number {
  // Described at build time, and in no Worker: nothing below knows it.
  if (name.startsWith('openapi/')) return 6;
  if (/^(dev|cli|console)\//.test(name)) return 6;
  if (name === 'index' || name === 'index.ts') return 5;
  if (/^rpc(\.ts)?$/.test(name)) return 3.8;
  if (/^mount(\.ts)?$/.test(name)) return 4.5;
  if (/^scheduled(\.ts)?$/.test(name)) return 4;
  if (name.startsWith('http/')) return 3.8;
  if (name.startsWith('calls/')) return 3.6;
  if (name.startsWith('service/')) return 3.5;
  if (name.startsWith('homes/')) return 3;
  if (/^(sessions|security-log|tokens|risk|webhooks)\//.test(name)) return 2;
  if (name.startsWith('db/')) return 1;
  return 0;
}

describe('imports', () => {
  it('are found at all', () => {
    expect(files.length).toBeGreaterThan(20);
    expect(files.find(({ name }) => name === 'http/app.ts')?.local).toContain('service/service');
    expect(files.find(({ name }) => name === 'http/app.ts')?.packages).toContain('hono/body-limit');
  });

  it('run one way: index → scheduled → http, rpc → calls → service → homes → sessions, security-log, tokens, risk, webhooks → db → config, crypto, faults', () => {
    const upward = files.flatMap(({ name, local }) =>
      local
        .filter((target) => layerOf(target) > layerOf(name))
        .map((target) => `${name} → ${target}`),
    );
    expect(upward).toEqual([]);
  });

  it('of what is done to sessions stand in no door: http/ and rpc.ts know their types', () => {
    const doing = files
      .filter(({ name }) => /^(http\/|rpc\.ts$)/.test(name))
      .filter(({ code }) =>
        [
          ...code.matchAll(/^import (?!type\b)([^;]*?) from '(?:\.\.?\/)+sessions\/[^']+';/gms),
        ].some(([, what]) => !/^\{(?:\s*type \w+,?)*\s*\}$/.test(what as string)),
      )
      .map(({ name }) => name);
    // The list is a document, which an isolate keeps; it is nobody's session that it reads.
    expect(doing).toEqual(['http/oauth/revocation-routes.ts']);
  });

  it('of the command line, which is Node’s, are its own, and the rules of settings', () => {
    const crossing = files.flatMap(({ name, folder, local }) =>
      local
        .filter((target) => folder === 'cli' || target.startsWith('cli/'))
        .filter(
          (target) =>
            folder !== 'cli' ||
            !/^(cli|config)\/|^(origins|faults|http\/account\/texts\/check-texts)$/.test(target),
        )
        .map((target) => `${name} → ${target}`),
    );
    expect(crossing).toEqual([]);
  });

  it('make no circle', () => {
    const graph = new Map(files.map(({ name, local }) => [name.replace(/\.tsx?$/, ''), local]));
    const circles: string[] = [];
    // Of a file that was walked through, all circles are known: there are too many paths for each.
    const walked = new Set<string>();
    const walk = (name: string, path: string[]) => {
      if (path.includes(name)) circles.push([...path, name].join(' → '));
      if (walked.has(name)) return;
      walked.add(name);
      for (const target of graph.get(name) ?? []) walk(target, [...path, name]);
    };
    for (const name of graph.keys()) walk(name, []);
    expect(circles).toEqual([]);
  });

  it('of client/ are its own; tokens/ and config/ go by the rules of client/verify, calls/, rpc.ts and mount.ts by the types of client/rpc, nobody else imports it', () => {
    const crossing = files.flatMap(({ name, folder, local }) =>
      local
        .filter(() => folder !== 'console')
        .filter((target) => (folder === 'client') !== target.startsWith('client/'))
        .filter((target) => folder === 'client' || target.startsWith('client/'))
        .filter(
          (target) => !(/^(tokens|config)$/.test(folder) && target.startsWith('client/verify/')),
        )
        .filter(
          (target) =>
            !(/^(calls\/|(rpc|mount)\.ts$)/.test(name) && target.startsWith('client/rpc')),
        )
        .map((target) => `${name} → ${target}`),
    );
    expect(crossing).toEqual([]);
  });

  it('of console/ are its own, the types of client/rpc and the verifier of client/verify: of the service it has no line, and nobody imports it', () => {
    const crossing = files.flatMap(({ name, folder, local }) =>
      local
        .filter((target) => (folder === 'console') !== target.startsWith('console/'))
        .filter((target) => folder === 'console' || target.startsWith('console/'))
        .filter((target) => !(folder === 'console' && /^client\/(rpc$|verify\/)/.test(target)))
        .map((target) => `${name} → ${target}`),
    );
    expect(crossing).toEqual([]);
    const used = files.filter(({ folder }) => folder === 'console');
    expect(used.length).toBeGreaterThan(10);
    expect(
      used
        .filter(({ code }) => /^import (?!type\b)[^;]*? from '\.\.\/client\/rpc';/m.test(code))
        .map(({ name }) => name),
    ).toEqual([]);
  });

  const importers = (packageName: string) =>
    files
      .filter(({ packages }) =>
        packages.some((name) => name === packageName || name.startsWith(`${packageName}/`)),
      )
      .map(({ name }) => name);

  it('of Hono stand in http/, the demo’s pages, the console and the middleware for resource servers alone', () => {
    expect(importers('hono').filter((name) => !/^(http|dev|console)\//.test(name))).toEqual([
      'client/verify/middleware.ts',
    ]);
  });

  it('of jose’s errors and of base64url come from their own modules: by its index, each would come whole', () => {
    expect(
      files
        .filter(({ code }) => /\{[^}]*\b(?:errors|base64url)\b[^}]*\} from 'jose'/.test(code))
        .map(({ name }) => name),
    ).toEqual([]);
  });

  it('of Drizzle stand beside the rules of sessions, homes, risk, the security log and webhooks and in db/, never in http/ or tokens/', () => {
    expect(
      importers('drizzle-orm').filter(
        (name) => !/^(sessions|homes|risk|security-log|webhooks|db)\//.test(name),
      ),
    ).toEqual([]);
  });
});

describe('what a client may do', () => {
  /** The exported functions of service/, by name, with their text. */
  const operations = files
    .filter(({ folder }) => folder === 'service')
    .flatMap(({ code }) =>
      [...code.matchAll(/^export (?:async )?function (\w+)[\s\S]*?^}$/gm)].map(([text, name]) => ({
        name: name as string,
        text,
      })),
    );
  const ofClients = operations.filter(({ text }) =>
    /^export (?:async )?function \w+\(\s*caller: ClientCaller,\s*service: Service,/.test(text),
  );

  it('each operation of a client asks for by itself, whichever door it is called from', () => {
    expect(ofClients.length).toBeGreaterThan(14);
    const unasked = ofClients
      .filter(({ text }) => !text.includes('authorize(caller.client, '))
      .map(({ name }) => name);
    // A client ends its own sessions without a capability: RFC 7009 §2.1.
    expect(unasked).toEqual(['revokeByToken']);
  });

  it('no door looks at: it is not known in http/ and rpc.ts', () => {
    const looking = files
      .filter(({ name }) => /^(http\/|rpc\.ts$)/.test(name))
      .filter(
        ({ local, code }) =>
          local.some((target) => /^(config\/authority|service\/authorize)$/.test(target)) ||
          /\ballow\b\.|\bforClients\b|\bbrowserClients\b/.test(code),
      );
    expect(looking.map(({ name }) => name)).toEqual([]);
  });
});

describe('what stands where', () => {
  const having = (pattern: RegExp) =>
    files.filter(({ code }) => pattern.test(code)).map(({ name }) => name);

  it('only config/config.ts, by its reader, the demo, the command line and the console read environment variables', () => {
    expect(
      having(/\benv\.(?!DB\b|ASSETS\b|ANALYTICS\b|RATE_LIMIT_)\w|\benv\[|\bprocess\.env\b/).filter(
        (name) => !/^(dev|cli|console)\//.test(name),
      ),
    ).toEqual(['config/config.ts', 'config/setting-reader.ts']);
  });

  it('only db/d1.ts sends anything to a D1 binding; the command line reads SQLite files of others', () => {
    expect(having(/\.batch\(/)).toEqual(['db/d1.ts']);
    expect(having(/\.prepare\(/)).toEqual(['cli/import/read-export.ts', 'db/d1.ts']);
  });

  it('domain code takes the time as a parameter', () => {
    expect(
      having(/\bDate\.now\b|\bnew Date\(\)/).filter((name) =>
        /^(sessions|security-log|homes|tokens|risk|webhooks)\//.test(name),
      ),
    ).toEqual([]);
  });

  it('no operation, and no rule, knows an HTTP request or its answer', () => {
    expect(
      having(/\bAppContext\b|\bHeaders\b|\bnew (?:Request|Response)\b|\bstatus:/).filter((name) =>
        /^(rpc|calls|service|sessions|security-log|homes|risk|db)\//.test(name),
      ),
    ).toEqual([]);
  });

  it('no operation looks at whether a session has moved: service/follow-session.ts alone does', () => {
    const looking = having(/\bmovedTo\b|\bMOVED\b/);
    expect(looking.filter((name) => !/^(db|homes|sessions)\//.test(name))).toEqual([
      'service/follow-session.ts',
    ]);
  });

  it('a `default` stands only in switches over texts of others, and where the type of what is left says that it is complete', () => {
    const swallowing = files
      .filter(({ code }) =>
        code
          .split(/^ *default:$/m)
          .slice(1)
          .some((arm) => !/^[^;]*\bsatisfies\b/.test(arm)),
      )
      .map(({ name }) => name);
    expect(swallowing.filter((name) => !name.startsWith('dev/'))).toEqual([
      // Of a service that may be a later release.
      'console/refusal-pages.tsx',
      'console/session-login.ts',
      // Fetch metadata and the names of browsers.
      'http/browser/same-site.ts',
      'http/browser/start-binding.ts',
      'risk/user-agent.ts',
    ]);
  });

  it('a cast through `unknown` stands only where a platform or a library has no type for it', () => {
    const casting = having(/\bas unknown as\b/).filter((name) => !/^(dev|openapi)\//.test(name));
    expect(casting).toEqual([
      'client/browser/audience.ts',
      'client/browser/host.ts',
      'client/verify/read-json.ts',
      'db/statements.ts',
      'mount.ts',
      'rpc.ts',
    ]);
  });

  it('an answer of D1 is read by its name: no rule reads one by its place, with a cast', () => {
    const byPlace = having(/(?:\.at\(-?\d+\)|\[\d+\])!? as\b/).filter((name) =>
      /^(service|homes|webhooks|sessions|security-log|tokens|risk|db)\//.test(name),
    );
    // Cities, one at least for each region; and ids that were drawn there, one at least.
    expect(byPlace).toEqual(['homes/regions.ts', 'security-log/hourly-limit.ts']);
  });

  it('only http/errors.ts makes an error response', () => {
    const making = having(/problem\+json/).filter((name) => !name.startsWith('openapi/'));
    expect(making).toEqual(['http/errors.ts']);
  });

  it('a file’s name says what is in it: no two files have the same, but the entries of a folder', () => {
    const names = files
      .map(({ name }) => name.replace(/^.*\//, '').replace(/\.tsx?$/, ''))
      .filter((name) => name !== 'index');
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
  });

  it('no file has more than 250 lines', () => {
    expect(files.filter(({ lines }) => lines > 250).map(({ name }) => name)).toEqual([]);
  });

  it('randomness is never Math.random, but for jitter and telling tabs apart', () => {
    expect(having(/Math\.random/)).toEqual(['client/browser/clock.ts', 'service/issue-tokens.ts']);
  });
});

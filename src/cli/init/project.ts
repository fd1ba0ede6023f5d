/**
 * A new deployment: `examples/own-worker`, with names, an issuer, a region and first clients of
 * its own.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { EXIT, Failure } from '../failure.ts';
import { makeClient, type NewClient } from '../new-client.ts';
import { PACKAGE_ROOT, readVersion } from '../package-root.ts';
import { findMistakes } from '../service-rules.ts';
import { parseSettings, type SettingsFile, withSetting } from '../settings/settings-file.ts';

const TEMPLATE = join(PACKAGE_ROOT, 'examples/own-worker');
const LOCAL_ORIGIN = 'http://localhost:8787';

/** Where D1 may keep a database: a hint, or a promise. */
export const REGIONS = {
  wnam: 'Western North America',
  enam: 'Eastern North America',
  weur: 'Western Europe',
  eeur: 'Eastern Europe',
  apac: 'Asia-Pacific',
  oc: 'Oceania',
  eu: 'the European Union, and nowhere else (jurisdiction)',
} as const;

export type Region = keyof typeof REGIONS;

export interface ProjectWishes {
  folder: string;
  issuer: string;
  audience: string;
  region: Region;
  /** The client id of the app. Its backend has the same one with `-backend`. */
  client: string;
  origins: readonly string[];
  /** The version of this package; undefined: from this one on. */
  dependency?: string | undefined;
}

export interface Project {
  files: string[];
  backend: NewClient;
}

/** Writes the files. Throws, and writes none, where one is there or the service would refuse. */
export function makeProject(wishes: ProjectWishes): Project {
  const app = makeClient(wishes.client, {
    origins: wishes.origins,
    returnUrls: wishes.origins.map((url) => `${url}/`),
  });
  const backend = makeClient(`${wishes.client}-backend`, {
    allow: ['create_sessions', 'manage_users', 'introspect'],
    forClients: [wishes.client],
  });
  const files: Record<string, string> = {
    'package.json': toManifest(wishes),
    'wrangler.toml': toSettings(wishes, [app.entry, backend.entry]),
    'src/index.ts': readTemplate('src/index.ts'),
    '.gitignore': 'node_modules/\n.wrangler/\n.dev.vars\n.dev.vars.*\n!.dev.vars.example\n',
    '.dev.vars.example': readTemplate('.dev.vars.example'),
    // wrangler goes by it on this machine, before wrangler.toml.
    '.dev.vars': `ISSUER="${LOCAL_ORIGIN}"\nSESSION_SECRET="${randomBytes(32).toString('base64url')}"\n`,
  };
  const present = Object.keys(files).filter((name) => existsSync(join(wishes.folder, name)));
  if (present.length > 0)
    throw new Failure(`${wishes.folder} has ${present.join(', ')} already; take another folder`);
  for (const [name, text] of Object.entries(files)) {
    const path = join(wishes.folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode: name === '.dev.vars' ? 0o600 : 0o644 });
  }
  return { files: Object.keys(files), backend };
}

const readTemplate = (name: string) => readFileSync(join(TEMPLATE, name), 'utf8');

/** A name of the Worker that wrangler takes, made of the folder's. */
function toName(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return name === '' ? 'sessions' : name.slice(0, 54);
}

function toManifest({ folder, dependency = `^${readVersion()}` }: ProjectWishes): string {
  const manifest = JSON.parse(readTemplate('package.json'));
  manifest.name = toName(folder);
  manifest.dependencies['edge-sessions'] = dependency;
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

function toSettings(wishes: ProjectWishes, clients: readonly object[]): string {
  const { folder, issuer, audience, region } = wishes;
  const name = toName(folder);
  const regions =
    region === 'eu' ? { regions: ['weur'], jurisdiction: 'eu' } : { regions: [region] };
  const values: [(string | number)[], string][] = [
    [['name'], name],
    [['d1_databases', 0, 'database_name'], name],
    [['vars', 'ISSUER'], issuer],
    [['vars', 'AUDIENCE'], audience],
    [['vars', 'CLIENTS'], JSON.stringify(clients)],
    [['vars', 'HOMES'], JSON.stringify([{ home: 'DB', ...regions }])],
  ];
  const template = parseSettings('wrangler.toml', readTemplate('wrangler.toml'));
  const file = values.reduce<SettingsFile>(
    (before, [path, value]) => parseSettings('wrangler.toml', withSetting(before, path, value)),
    template,
  );
  const mistakes = findMistakes(file.raw.vars ?? {}, ['DB']);
  if (mistakes.length > 0) throw new Failure(mistakes.join('\n'), EXIT.usage);
  return file.text;
}

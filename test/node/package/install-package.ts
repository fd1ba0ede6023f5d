/**
 * The package as its users have it: built, packed, and installed from the archive into folders that
 * are not in this repository.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { arch, platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { OLDEST } from '../../../scripts/package/manifest.ts';
import { install, ROOT, shell } from './shell.ts';

export interface Installed {
  archive: string;
  /** Paths in the archive. */
  files: string[];
  /** Folders that have the package, and Hono, jose and React in the newest and oldest versions. */
  newest: string;
  oldest: string;
  /** Copies of the examples, as a user has them. */
  ownWorker: string;
  resourceServer: string;
  mounted: string;
  /** Node executables by their major version. */
  nodes: Record<string, string>;
}

declare module 'vitest' {
  interface ProvidedContext {
    installed: Installed;
  }
}

/** What users of the clients have beside the package, and what the pages for people use. */
const CONSUMED = [
  ...['hono', 'jose', 'axios'],
  ...['react', 'react-dom', '@types/react', '@types/react-dom'],
];
/** The first of React 18 do not compile. */
const TYPES_OF_OLDEST = { '@types/react': '18.3.8', '@types/react-dom': '18.3.7' };
/** What they write. */
const CONSUMERS = ['consumer.ts', 'react-consumer.tsx'];

/** Beside the one that runs the tests. */
const NODES = { 20: '20.20.2', 22: '22.23.3' };

export default async function installPackage(project: TestProject): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), 'edge-sessions-package-'));
  const clean = () => rmSync(folder, { recursive: true, force: true });
  try {
    project.provide('installed', await installIn(folder));
  } catch (error) {
    clean();
    throw error;
  }
  return clean;
}

async function installIn(folder: string): Promise<Installed> {
  const fetchingNodes = fetchNodes(join(folder, 'nodes'));
  // It is waited for below.
  fetchingNodes.catch(() => {});
  await shell(process.execPath, [join(ROOT, 'scripts/package/main.ts')], ROOT);
  const pack = ['pack', join(ROOT, 'dist/package'), '--json', '--pack-destination', folder];
  const [packed] = JSON.parse(await shell('npm', pack, ROOT)) as [
    { filename: string; files: { path: string }[] },
  ];
  const archive = join(folder, packed.filename);

  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const known: Record<string, string> = { ...manifest.dependencies, ...manifest.devDependencies };
  const newestOf = (names: string[]) =>
    Object.fromEntries(names.map((name) => [name, known[name] as string]));
  const consume = async (name: string, versions: Record<string, string>) => {
    const consumer = makeFolder(folder, name);
    const packages = Object.entries(versions).map((one) => one.join('@'));
    await install(consumer, [archive, ...packages]);
    for (const file of CONSUMERS) cpSync(join(import.meta.dirname, file), join(consumer, file));
    return consumer;
  };
  const copyExample = async (name: string) => {
    const copy = join(folder, name);
    cpSync(join(ROOT, 'examples', name), copy, { recursive: true });
    await install(copy, [archive]);
    return copy;
  };
  const [newest, oldest, ownWorker, resourceServer, mounted, nodes] = await Promise.all([
    consume('newest', newestOf(CONSUMED)),
    consume('oldest', { ...OLDEST, 'react-dom': OLDEST.react, ...TYPES_OF_OLDEST }),
    copyExample('own-worker'),
    copyExample('resource-server'),
    copyExample('mounted'),
    fetchingNodes,
  ]);
  const files = packed.files.map(({ path }) => path);
  return { archive, files, newest, oldest, ownWorker, resourceServer, mounted, nodes };
}

function makeFolder(parent: string, name: string): string {
  const made = join(parent, name);
  mkdirSync(made, { recursive: true });
  writeFileSync(join(made, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  return made;
}

/** Binaries come as packages for Linux; elsewhere the Node that runs the tests is the only one. */
async function fetchNodes(folder: string): Promise<Record<string, string>> {
  const [major = ''] = process.versions.node.split('.');
  const nodes: Record<string, string> = { [major]: process.execPath };
  if (platform() !== 'linux') return nodes;
  makeFolder(folder, '.');
  const name = `node-linux-${arch()}`;
  const wanted = Object.entries(NODES);
  await install(
    folder,
    wanted.map(([version, exact]) => `node${version}@npm:${name}@${exact}`),
  );
  for (const [version] of wanted)
    nodes[version] = join(folder, `node_modules/node${version}/bin/node`);
  return nodes;
}

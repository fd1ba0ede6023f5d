/**
 * The package.json that is published. It is not the repository's: that one's tools and the Node
 * binaries among its `optionalDependencies` would be installed by whoever installs the package.
 */
import { BIN, type RepositoryManifest, toModule } from './entries.ts';

const SAME = ['name', 'version', 'description', 'keywords', 'license', 'type'];

/** Beside package.json, README.md and LICENSE, which npm always packs. */
export const FILES = [
  'dist',
  'assets',
  'migrations',
  'docs',
  'examples',
  'CHANGELOG.md',
  'THIRD-PARTY.md',
];

/** The oldest that the clients are tried with. */
export const OLDEST = { jose: '6.1.0', hono: '4.2.0', react: '18.0.0' };

export function toPublishedManifest(repository: RepositoryManifest): Record<string, unknown> {
  const same = SAME.map((field) => [field, repository[field]]);
  return {
    ...Object.fromEntries(same),
    sideEffects: false,
    engines: { node: '>=20' },
    bin: { 'edge-sessions': `./${BIN.built}` },
    exports: toExports(repository.exports),
    files: FILES,
    dependencies: { jose: `^${OLDEST.jose}` },
    peerDependencies: { hono: `^${OLDEST.hono}`, react: `>=${OLDEST.react}` },
    peerDependenciesMeta: { hono: { optional: true }, react: { optional: true } },
  };
}

function toExports(sources: Record<string, string>): Record<string, unknown> {
  const entries = Object.entries(sources).map(([entry, source]) => {
    const module = toModule(source);
    // A condition is looked at only if none before it has matched, so `types` comes first.
    const built = { types: `./dist/${module}.d.ts`, default: `./dist/${module}.js` };
    return [entry, module === null ? source : built];
  });
  return { ...Object.fromEntries(entries), './package.json': './package.json' };
}

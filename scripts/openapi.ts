/** `npm run openapi`: makes the OpenAPI document, which the Worker serves as a static asset. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { dirname, join } from 'node:path';
import { bundleModule } from './bundle-client.ts';
import { ROOT, readManifest } from './package/entries.ts';

const ASSET = 'assets/edge-sessions/openapi.json';

// The source has no file extensions in its imports, which Node asks for.
const bundle = join(ROOT, 'dist/openapi.mjs');
mkdirSync(dirname(bundle), { recursive: true });
writeFileSync(bundle, await bundleModule('src/openapi/document.ts'));
// Describing the calls asks nothing of workerd.
registerHooks({
  resolve: (specifier, context, next) =>
    specifier.startsWith('cloudflare:')
      ? { url: 'data:text/javascript,', shortCircuit: true }
      : next(specifier, context),
});
const { toDocument }: { toDocument: (version: string) => object } = await import(bundle);
const document = toDocument(readManifest().version);
writeFileSync(join(ROOT, ASSET), `${JSON.stringify(document, null, 2)}\n`);
console.log(ASSET);

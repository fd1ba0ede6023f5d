/**
 * The command line as one module of Node, so that installing the package brings nothing that only
 * the command line needs. wrangler is not in it: it is the deployment's own.
 */
import { bundle } from './bundle.ts';

/** Returns the names of the packages that went into it. */
export function bundleCli(source: string, outfile: string): Promise<string[]> {
  return bundle({
    entryPoints: [source],
    outfile,
    platform: 'node',
    // Node's own name for the entry that is not made for bundlers of its old modules comes last.
    mainFields: ['module', 'main'],
    target: 'node20',
    minify: true,
    banner: {
      // What is written as CommonJS asks for Node's modules by `require`.
      js: "#!/usr/bin/env node\nimport { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);",
    },
  });
}

/**
 * The Worker as one module that imports nothing, made as wrangler makes it, so that a deployment
 * runs the versions that were tested here, whatever else is installed beside it.
 */
import { bundle } from './bundle.ts';

/** Returns the names of the packages that went into it. */
export function bundleWorker(source: string, outfile: string): Promise<string[]> {
  return bundle({
    entryPoints: [source],
    outfile,
    platform: 'browser',
    conditions: ['workerd', 'worker', 'browser'],
    target: 'es2024',
    external: ['cloudflare:*', 'node:*'],
    // The map that a deployment makes of its bundle goes on to the lines of these sources.
    sourcemap: 'linked',
    sourcesContent: false,
    define: { 'process.env.NODE_ENV': '"production"' },
  });
}

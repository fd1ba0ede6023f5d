/**
 * wrangler as the deployment has it installed: this package brings none of its own, and a
 * deployment is to be read and made by the version that it names.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Failure } from './failure.ts';

/** The module of its functions. Throws where there is none. */
function findWrangler(folder: string): string {
  try {
    return createRequire(join(folder, 'package.json')).resolve('wrangler');
  } catch {
    throw new Failure(
      `wrangler is not installed in ${folder}: run npm install there, or npm install --save-dev wrangler where package.json does not name it`,
    );
  }
}

/** The program that Node runs. */
export const findWranglerProgram = (folder: string) =>
  join(dirname(findWrangler(folder)), '../bin/wrangler.js');

export async function loadWrangler(folder: string): Promise<typeof import('wrangler')> {
  const loaded = await import(pathToFileURL(findWrangler(folder)).href);
  return loaded.default ?? loaded;
}

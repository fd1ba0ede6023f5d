/** The compiler, as strict as a user can have it, libraries included. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, tool } from './shell.ts';

const types = (name: string) => join(ROOT, 'node_modules', name);

/** Where the clients are used: what the platform has comes from somewhere else in each. */
export const PLATFORMS = {
  'a browser': { lib: ['es2023', 'dom', 'dom.iterable'], types: [] },
  Node: { lib: ['es2023'], types: [types('@types/node')] },
  Workers: { lib: ['es2023'], types: [types('@cloudflare/workers-types')] },
};

export const RESOLUTIONS = {
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext' },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
};

/** What the compiler says of these files. Of Hono's own it is asked only where they are right. */
export async function compile(
  folder: string,
  name: string,
  options: object,
  files: string[],
): Promise<string[]> {
  const project = join(folder, `tsconfig.${name.replaceAll(/\W+/g, '-')}.json`);
  const compilerOptions = {
    target: 'es2022',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    verbatimModuleSyntax: true,
    skipLibCheck: false,
    noEmit: true,
    ...options,
  };
  writeFileSync(project, JSON.stringify({ compilerOptions, files }));
  const said = await tool('tsc', ['--project', project, '--pretty', 'false'], folder).catch(
    (error: Error) => error.message,
  );
  const mistakes = said.split('\n').filter((line) => line.includes(': error '));
  // They name elements of pages, and so need a browser's types.
  return 'lib' in options && `${options.lib}`.includes('dom')
    ? mistakes
    : mistakes.filter((line) => !line.startsWith('node_modules/hono/'));
}

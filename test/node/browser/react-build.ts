/** The documented React app, for its page and for its server. */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { readSnippets } from '../snippets.ts';
import { bundleDocumented, inFolder } from './documented.ts';

const PAGE = JSON.stringify(join(import.meta.dirname, 'react-page.tsx'));
const [APP] = readSnippets('docs/react.md').filter(({ language }) => language === 'tsx');

const ENTRIES = {
  hydrate: `import { App } from './app'; import { hydrate } from ${PAGE}; hydrate(App);`,
  many: `import { renderMany } from ${PAGE}; renderMany();`,
};
const SERVER = `import { createElement } from 'react';
  import { renderToString } from 'react-dom/server';
  import { App } from './app';
  export const render = (initial) => renderToString(createElement(App, { initial }));`;

export const bundlePage = (entry: keyof typeof ENTRIES): Promise<string> =>
  bundleDocumented(APP?.text ?? '', ENTRIES[entry]);

/** What renders the app with a session, in Node. */
export async function loadRenderer(): Promise<(initial: unknown) => string> {
  const options = { format: 'cjs', platform: 'node' };
  const code = await bundleDocumented(APP?.text ?? '', SERVER, options);
  return inFolder((folder) => {
    const file = join(folder, 'server.cjs');
    writeFileSync(file, code);
    return createRequire(import.meta.url)(file).render;
  });
}

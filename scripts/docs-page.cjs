/**
 * What the page /docs is shown by: the renderer's files, from its package to beside the page, where
 * the Worker's static assets are. `npm ci` does it (`prepare`), so that `npm start`, a deployment
 * and the package have them. Written so that any Node reads it.
 */
const { copyFileSync, existsSync } = require('node:fs');
const { join } = require('node:path');

const renderer = join(__dirname, '../node_modules/openapi-explorer');
const page = join(__dirname, '../assets/edge-sessions/docs');

// Without the tools of development there is no page, and everything else works.
if (existsSync(renderer)) {
  const script = 'openapi-explorer.min.js';
  copyFileSync(join(renderer, 'dist/browser', script), join(page, script));
  copyFileSync(join(renderer, 'LICENSE'), join(page, 'openapi-explorer.LICENSE.txt'));
}

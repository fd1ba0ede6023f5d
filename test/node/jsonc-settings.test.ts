/** A deployment whose settings are wrangler.jsonc: it runs on this machine, and is deployed. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { completeDevVars } from '../../scripts/dev-vars.ts';
import { findFreePort } from '../../scripts/free-port.ts';
import { parseSettings, readSettings } from '../../src/cli/settings/settings-file.ts';
import { backendOf, createSession } from './demo.ts';
import { makeClone, makeDeploymentFolder } from './deployment-folder.ts';
import { copyMigratedState } from './migrated-state.ts';
import { type Run, runStart } from './service.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const READY_TIMEOUT_MS = 180_000;

/** wrangler.toml of this repository as wrangler.jsonc, with comments. */
function toJsonc(toml: string): string {
  const { raw } = parseSettings('wrangler.toml', toml);
  return `// Our sessions.\n${JSON.stringify(raw, null, '\t').replace('"vars": {', '"vars": { // of everyone')}\n`;
}

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

it('npm start runs it, also with more homes', async () => {
  const clone = makeClone();
  undo.push(() => rmSync(clone, { recursive: true, force: true }));
  const toml = join(clone, 'wrangler.toml');
  writeFileSync(join(clone, 'wrangler.jsonc'), toJsonc(readFileSync(toml, 'utf8')));
  renameSync(toml, join(clone, 'none'));
  // The second home has still to be migrated.
  await copyMigratedState(join(clone, '.wrangler/state'));
  const port = await findFreePort();
  const run: Run = runStart({ PORT: String(port), LOCAL_HOMES: '2' }, [], clone);
  undo.push(async () => {
    run.process.kill();
    await run.ended;
  });
  await Promise.race([run.printed('Run the cron:', READY_TIMEOUT_MS), run.ended]);
  const vars = completeDevVars(join(clone, '.dev.vars'));
  const origin = `http://localhost:${port}`;
  const backend = backendOf(join(clone, '.dev.vars'));
  expect(await createSession(undefined, { origin, backend })).toHaveProperty('refresh_token');
  const authorization = `Basic ${btoa(`${vars.DEMO_OPERATOR_ID}:${vars.DEMO_OPERATOR_SECRET}`)}`;
  const homes = await fetch(`${origin}/v1/homes`, { headers: { authorization } });
  expect(await homes.json()).toMatchObject({ homes: [{ home: 'DB' }, { home: 'DB_WEUR' }] });
});

it('deploy makes the database, and writes its id beside the comments', async () => {
  const folder = await makeDeploymentFolder();
  undo.push(() => folder.remove());
  const toml = readFileSync(join(ROOT, 'wrangler.toml'), 'utf8');
  const jsonc = toJsonc(toml.replace('http://localhost:8787"', `${folder.api.origin}"`));
  folder.useJsonc(jsonc);
  const { code, output } = await folder.deploy();
  expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('answers') });
  expect(output).toMatch(/DB: [0-9a-f-]{36} is in wrangler\.jsonc now; commit it/);
  const written = readFileSync(folder.jsoncPath, 'utf8');
  const [database] = readSettings(folder.jsoncPath).raw.d1_databases ?? [];
  expect(written).toBe(
    jsonc.replace('00000000-0000-0000-0000-000000000000', database?.database_id ?? ''),
  );
});

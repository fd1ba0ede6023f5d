/** The declarations, checked by the compiler as strictly as a user can, libraries included. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { compile, PLATFORMS, RESOLUTIONS } from './compile.ts';
import { tool } from './shell.ts';

const { newest, oldest, ownWorker } = inject('installed');
describe.each([
  ['the newest', newest],
  ['the oldest', oldest],
])('with %s jose and Hono that it allows', (_, folder) => {
  describe.each(Object.entries(PLATFORMS))('for %s', (platform, libraries) => {
    it.each(Object.entries(RESOLUTIONS))('%s', async (resolution, modules) => {
      const options = { ...libraries, ...modules };
      expect(await compile(folder, `${platform} ${resolution}`, options, ['consumer.ts'])).toEqual(
        [],
      );
    });
  });
});

it('a mistake in their use is found', async () => {
  writeFileSync(
    join(newest, 'mistaken.ts'),
    `import { createAccessTokenVerifier } from 'edge-sessions/verify';
     createAccessTokenVerifier({ issuer: 'https://auth.example.com' });`,
  );
  const options = { ...PLATFORMS['a browser'], ...RESOLUTIONS.nodenext };
  expect(await compile(newest, 'mistaken', options, ['mistaken.ts'])).toEqual([
    expect.stringContaining("Property 'audience' is missing"),
  ]);
});

describe('the Worker, called by another', () => {
  const composed = `import sessions from 'edge-sessions/worker';
    export default {
      fetch: (request, env, ctx) => sessions.fetch(request, env, ctx),
      scheduled: (controller, env) => sessions.scheduled(controller, env),
    } satisfies ExportedHandler<Env>;`;
  beforeAll(() => writeFileSync(join(ownWorker, 'composed.ts'), composed));

  it('bundler, with what `wrangler types` makes of wrangler.toml', async () => {
    await tool('wrangler', ['types', 'generated.d.ts'], ownWorker);
    const files = ['composed.ts', 'src/index.ts', 'generated.d.ts'];
    const options = { lib: ['es2023'], types: [], ...RESOLUTIONS.bundler };
    expect(await compile(ownWorker, 'generated', options, files)).toEqual([]);
  });

  it('nodenext, with types that are installed', async () => {
    const bindings = 'interface Env { DB: D1Database; DB_WEUR: D1Database; ISSUER: string }';
    writeFileSync(join(ownWorker, 'env.d.ts'), bindings);
    const files = ['composed.ts', 'src/index.ts', 'env.d.ts'];
    const options = { ...PLATFORMS.Workers, ...RESOLUTIONS.nodenext };
    expect(await compile(ownWorker, 'installed', options, files)).toEqual([]);
  });
});

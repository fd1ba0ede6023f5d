/** `edge-sessions/react` with the newest and the oldest React that it allows. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { USER } from '../../people';
import { compile, PLATFORMS, RESOLUTIONS } from './compile.ts';
import { shell, tool } from './shell.ts';

const { newest, oldest } = inject('installed');
const SESSION = { state: 'active', userId: USER, claims: { sub: USER, sid: 'the session' } };

describe.each([
  ['newest', newest],
  ['oldest', oldest],
])('with the %s React', (name, folder) => {
  it.each(Object.entries(RESOLUTIONS))('type-checks, %s', async (resolution, modules) => {
    const options = { ...PLATFORMS['a browser'], ...modules, jsx: 'react-jsx' };
    const files = ['react-consumer.tsx'];
    expect(await compile(folder, `react ${resolution}`, options, files)).toEqual([]);
  });

  describe('a server in Node', () => {
    let shown: string[];
    let said: string;
    beforeAll(async () => {
      const options =
        '--module nodenext --target es2022 --lib es2023,dom --jsx react-jsx --skipLibCheck --ignoreConfig';
      await tool('tsc', [...options.split(' '), 'react-consumer.tsx'], folder);
      const script = `import { render, renderAlone } from './react-consumer.js';
        import { version } from 'react';
        const session = ${JSON.stringify(SESSION)};
        let said = '';
        try { renderAlone() } catch ({ message }) { said = message }
        console.log(JSON.stringify([said, version, render(session), render()]));`;
      writeFileSync(join(folder, 'render.js'), script);
      [said, ...shown] = JSON.parse(await shell(process.execPath, ['render.js'], folder));
    });

    it('renders what it knows of the session, and what it does not know as unknown', () => {
      expect(shown).toEqual([
        expect.stringMatching(name === 'oldest' ? /^18\.0\.0/ : /^19\./),
        `<button type="button">active ${USER} the session </button>`,
        '<button type="button">unknown   </button>',
      ]);
    });

    it('says what is missing where there is no provider above', () => {
      expect(said).toBe('useSession needs a SessionProvider above it');
    });
  });
});

it('is a module of the client’s side where a framework asks: React Server Components', () => {
  const entry = join(newest, 'node_modules/edge-sessions/dist/client/react/index.js');
  expect(readFileSync(entry, 'utf8')).toMatch(/^'use client';/);
});

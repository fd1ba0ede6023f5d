/** `npx edge-sessions` of the packed package, in each Node that is maintained. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { COMMANDS } from '../../../src/cli/commands/index.ts';
import { EXIT } from '../../../src/cli/failure.ts';
import { ROOT } from './shell.ts';

const { newest, ownWorker, nodes } = inject('installed');
const BIN = join(newest, 'node_modules/.bin/edge-sessions');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'command-line-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(Object.entries(nodes))('in Node %s', (version, node) => {
  /** As a script runs it: in a CI, where some libraries colour what is piped. */
  const run = (args: string[], cwd = folder) => {
    const { NO_COLOR: _, FORCE_COLOR: __, ...env } = process.env;
    const { status, stdout, stderr } = spawnSync(node, [BIN, ...args], {
      cwd,
      encoding: 'utf8',
      env: { ...env, CI: 'true', TERM: 'xterm-256color' },
    });
    return { status, stdout, stderr };
  };

  it('each command has help with examples, and no colours when it is piped', () => {
    const commands = [...run(['--help']).stdout.matchAll(/^ {2}(\w+)[ [].*$/gm)]
      .map(([, name]) => name as string)
      .filter((name) => name !== 'help');
    expect(commands).toEqual(expect.arrayContaining(['init', 'client', 'doctor', 'deploy']));
    for (const name of commands) {
      const { status, stdout, stderr } = run([name, '--help']);
      expect({ name, status, stderr }).toEqual({ name, status: 0, stderr: '' });
      // biome-ignore lint/suspicious/noControlCharactersInRegex: a colour begins with one.
      expect(stdout).not.toMatch(/\x1b/);
      const children = [...stdout.matchAll(/^ {2}([\w-]+) \[options\]/gm)].map(
        ([, child]) => child,
      );
      for (const child of children)
        expect(run([name, child as string, '--help']).stdout).toContain('Examples:');
      if (children.length === 0) expect(stdout).toContain('Examples:');
    }
  });

  it('makes a deployment without a terminal, and adds to it', () => {
    const name = `made-by-${version}`;
    const init = ['--issuer', 'https://auth.example.com', '--region', 'weur', '--client', 'web'];
    const made = run(['init', name, ...init, '--no-install', '--json']);
    expect(made).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(made.stdout)).toMatchObject({
      client_id: 'web-backend',
      client_secret: expect.stringMatching(/^[\w-]{43}$/),
      installed: false,
    });
    const cwd = join(folder, name);
    expect(run(['client', 'add', 'ios'], cwd)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('ios is in CLIENTS of wrangler.toml'),
    });
    expect(run(['issuer', 'add', 'https://id.example', '--audience', 'a'], cwd).status).toBe(0);
    const toml = readFileSync(join(cwd, 'wrangler.toml'), 'utf8');
    expect(toml).toContain('"client_id":"ios"');
    expect(toml).toContain('# Brakes on floods');
    expect(readFileSync(join(cwd, 'package.json'), 'utf8')).toContain(`"name": "${name}"`);
  });

  it('asks nobody where nobody is, and says what is wrong with a command line', () => {
    expect(run(['init', 'x'])).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringContaining('give --issuer, --region, --client'),
    });
    expect(run(['client', 'add'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('Usage: edge-sessions client add [options] <id>'),
    });
    expect(run(['fly'])).toMatchObject({ status: 2, stdout: '' });
  });
});

it('is what docs/cli.md says: each command, and each exit code', () => {
  const page = readFileSync(join(ROOT, 'docs/cli.md'), 'utf8');
  const names = COMMANDS.flatMap((make) => {
    const command = make();
    const children = command.commands.map((child) => `${command.name()} ${child.name()}`);
    return children.length === 0 ? [command.name()] : children;
  });
  expect(names).toContain('keys rotate');
  // A row may leave out the group for all but the first of its commands.
  const told = [...page.matchAll(/^\| (`[a-z][^|]*`) \|/gm)].flatMap(([, cell = '']) => {
    const [first = '', ...others] = [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? '');
    const [group] = first.split(' ');
    return [first, ...others.map((name) => (name.includes(' ') ? name : `${group} ${name}`))];
  });
  expect(told.sort()).toEqual(names.sort());
  const codes = [...page.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
  expect(codes).toEqual(Object.values(EXIT));
});

it('deploys by the wrangler of the folder, and says where there is none', () => {
  const copy = join(folder, 'own-worker');
  cpSync(ownWorker, copy, { recursive: true });
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(copy, 'node_modules/.bin/edge-sessions'), 'deploy', '--dry-run'],
    { cwd: copy, encoding: 'utf8' },
  );
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: expect.stringContaining('wrangler is not installed in'),
  });
});

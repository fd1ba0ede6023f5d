/**
 * `npm start`: the whole service on this machine, from a bare checkout. Completes `.dev.vars` (or
 * the `--env-file`), migrates the local database, then runs `wrangler dev`. Environment: PORT
 * (8787), HTTPS (1: by https, with a certificate that is made here), PERSIST_TO (where the
 * databases are kept), LOCAL_HOMES (1; up to 3 databases, each for a part of the world),
 * CLOUDFLARE_ENV (an environment of wrangler.toml, as `--env`). What follows `npm start --` goes to
 * `wrangler dev` and wins, for example `npm start -- --var REFRESH_GRACE_SECONDS:0`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chooseEnvironment, readEnvironment, takeEnvironment } from '../src/cli/environment.ts';
import { openSettings, readSettings } from '../src/cli/settings/settings-file.ts';
import { wranglerVariables } from '../src/cli/wrangler-variables.ts';
import { type Announced, announce } from './announce.ts';
import { completeDevVars, findDevVars } from './dev-vars.ts';
import { makeLocalCertificate } from './local-certificate.ts';
import { configureConsole, toAudience } from './local-console.ts';
import { configureHomes } from './local-homes.ts';
import { toLocalVariables } from './local-variables.ts';
import { assertPortIsFree, parsePort, untilPortIsFree } from './port.ts';
import { readOptions } from './wrangler-options.ts';

const STOP_TIMEOUT_MS = 5_000;
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const root = resolve(import.meta.dirname, '..');
const { option: environment, rest: wranglerArgs } = takeEnvironment(process.argv.slice(2));
const given = readOptions(wranglerArgs);

let running: ChildProcess | null = null;
let isStopping = false;

for (const signal of STOP_SIGNALS) process.on(signal, () => void stop());
if (process.env.npm_lifecycle_event === 'start') stopWithParent();

try {
  process.exitCode = await start();
} catch (error) {
  console.error(`npm start: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}

async function start(): Promise<number> {
  const port = parsePort(given.value('port') ?? (process.env.PORT || '8787'));
  await assertPortIsFree(port);
  const named = given.value('config');
  const file = named === undefined ? openSettings(root) : readSettings(resolve(root, named));
  const { name, config } = await readEnvironment(root, file, chooseEnvironment(environment));
  const devVarsFile = given.value('env-file') ?? findDevVars(root, name);
  const devVars = completeDevVars(resolve(root, devVarsFile));
  const certificate = wantsHttps() ? makeLocalCertificate(resolve(root, '.wrangler/https')) : null;
  const origin = `${certificate === null ? 'http' : 'https'}://localhost:${port}`;
  const { issuer, vars, notes } = toLocalVariables(
    config.vars,
    devVars,
    given.variables(),
    origin,
    file.name,
  );
  for (const note of notes) console.log(`npm start: ${note}`);

  const persistTo = given.value('persist-to') ?? process.env.PERSIST_TO;
  const persistence = persistTo ? ['--persist-to', resolve(root, persistTo)] : [];
  const databases = config.d1_databases.map(({ binding }) => binding);
  const homes = configureHomes(file, process.env.LOCAL_HOMES || '1', name, port);
  const configuration = [`--env=${name}`, ...(homes === null ? [] : ['--config', homes.config])];
  for (const binding of homes?.bindings ?? databases) {
    const options = [
      ...configuration,
      ...(homes === null ? given.again('config') : []),
      ...persistence,
    ];
    const migrated = await migrate(binding, options);
    if (migrated !== 0 || isStopping) return isStopping ? 0 : migrated;
  }

  const audience = { ...config.vars, ...vars, ...devVars, ...given.variables() }.AUDIENCE;
  const configurations = configureConsole({
    root,
    port,
    serviceConfig: homes?.config ?? file.path,
    environment: name,
    serviceName: config.name ?? '',
    issuer,
    audience: toAudience(String(audience ?? '')),
  });
  const defaults = {
    port: ['--port', String(port)],
    ip: ['--ip', '127.0.0.1'],
    // Any free port, so that a second service can run beside this one.
    'inspector-port': ['--inspector-port', '0'],
    'persist-to': persistence,
    ...(certificate !== null && {
      'local-protocol': ['--local-protocol', 'https'],
      'https-key-path': ['--https-key-path', certificate.key],
      'https-cert-path': ['--https-cert-path', certificate.cert],
    }),
  };
  const command = [
    'dev',
    // The Worker and, on this machine alone, a page to try it out.
    'src/dev/index.ts',
    ...Object.entries(defaults).flatMap(([name, args]) =>
      given.value(name) === undefined ? args : [],
    ),
    '--show-interactive-dev-session=false',
    ...Object.entries(vars).flatMap(([variable, value]) => ['--var', `${variable}:${value}`]),
    ...(homes === null ? [] : ['--var', `HOMES:${homes.homes}`]),
    `--env=${name}`,
    ...configurations.flatMap((file) => ['--config', file]),
    ...given.without('config'),
  ];
  const base = origin + new URL(issuer).pathname.replace(/\/+$/, '');
  return serve(command, port, { origin, base, devVarsFile, certificate });
}

/**
 * Runs `wrangler dev` until it is told to stop. Where it has answered, and ends by itself, it is
 * started again: a connection that is lost at a bad moment can end it (workers-sdk #15203).
 */
async function serve(command: string[], port: number, announced: Announced): Promise<number> {
  for (;;) {
    const service = wrangler(command);
    const isAnnounced = announce(announced, () => hasEnded(service) || isStopping);
    const code = await exitCode(service);
    if (isStopping) return 0;
    if (!(await isAnnounced)) return code || 1;
    console.log('npm start: wrangler dev ended by itself, and is started again');
    // What it had started lives on, and has the port.
    signalGroup(service, 'SIGKILL');
    await untilPortIsFree(port);
  }
}

function migrate(binding: string, options: string[]): Promise<number> {
  return runQuietly(['d1', 'migrations', 'apply', binding, '--local', ...options]);
}

/** Shows the output only when the command fails. */
async function runQuietly(args: string[]): Promise<number> {
  const command = wrangler(args, 'pipe');
  const output: Buffer[] = [];
  command.stdout?.on('data', (chunk: Buffer) => output.push(chunk));
  command.stderr?.on('data', (chunk: Buffer) => output.push(chunk));
  const code = await exitCode(command);
  if (code !== 0 && !isStopping) process.stderr.write(Buffer.concat(output));
  return code;
}

function wrangler(args: string[], stdio: 'inherit' | 'pipe' = 'inherit'): ChildProcess {
  running = spawn(
    process.execPath,
    [join(root, 'node_modules/wrangler/bin/wrangler.js'), ...args],
    {
      cwd: root,
      // Without a stdin, wrangler asks nothing and does not end when the terminal goes away.
      stdio: ['ignore', stdio, stdio],
      // A group of its own, so that one signal reaches wrangler and the workerd processes below it.
      detached: true,
      env: { ...wranglerVariables(root), CLOUDFLARE_CF_FETCH_ENABLED: 'false' },
    },
  );
  return running;
}

/** A process that a signal ended has no exit code. */
function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

function exitCode(child: ChildProcess): Promise<number> {
  return new Promise((resolveCode, reject) => {
    if (hasEnded(child)) resolveCode(child.exitCode ?? 1);
    child.once('error', reject);
    child.once('close', (code) => resolveCode(code ?? 1));
  });
}

/** Ends wrangler and everything that it started. */
async function stop(): Promise<void> {
  if (isStopping) return;
  isStopping = true;
  if (running === null) process.exit(0);
  const ended = exitCode(running);
  signalGroup(running, 'SIGTERM');
  await Promise.race([ended, sleep(STOP_TIMEOUT_MS)]);
  signalGroup(running, 'SIGKILL');
  process.exit(0);
}

/**
 * npm passes a signal on to the shell between it and this process, and the shell passes nothing on:
 * it only ends.
 */
function stopWithParent(): void {
  const parent = process.ppid;
  const watch = setInterval(() => process.ppid !== parent && stop(), 200);
  watch.unref();
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function wantsHttps(): boolean {
  const { HTTPS = '' } = process.env;
  if (!['', '0', '1'].includes(HTTPS)) throw new Error(`HTTPS must be 1 or 0, not "${HTTPS}"`);
  return HTTPS === '1';
}

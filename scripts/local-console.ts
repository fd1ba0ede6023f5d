/**
 * `npm start` runs the operator console beside the service, each a Worker of its own, as they are
 * deployed: their configurations on this machine, where the demo's person is an operator.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { plainEnvironment } from '../src/cli/environment.ts';
import { readSettings } from '../src/cli/settings/settings-file.ts';
import { DEMO_USER_ID } from '../src/dev/demo-person.ts';

export interface LocalConsole {
  root: string;
  /** Names the files: of another service that runs, wrangler would notice that they change. */
  port: number;
  /** What the service runs by otherwise. */
  serviceConfig: string;
  /** Of the service's configuration; '' is the top level. */
  environment: string;
  /** The service's, as wrangler names it. */
  serviceName: string;
  issuer: string;
  audience: string;
}

/** Writes both configurations, and returns their files: the service's is the first. */
export function configureConsole(local: LocalConsole): string[] {
  const { root, port, serviceConfig, environment, serviceName } = local;
  const { raw: own } = readSettings(join(root, 'src/console/wrangler.toml'));
  const service = readSettings(serviceConfig);
  const { own: there } = plainEnvironment(service, environment);
  there.services = [...(there.services ?? []), { binding: 'CONSOLE', service: own.name }];
  const vars = { ...own.vars, ...toVariables(local) };
  const services = own.services?.map((entry: object) => ({ ...entry, service: serviceName }));
  const operated = { name: own.name, vars, services };
  const files = [
    // Beside the settings, because wrangler takes paths from where its configuration is.
    join(dirname(serviceConfig), `.wrangler.console-${port}.json`),
    join(root, `.wrangler/console-${port}/wrangler.json`),
  ];
  mkdirSync(join(root, `.wrangler/console-${port}`), { recursive: true });
  process.once('exit', () => {
    for (const file of files) rmSync(file, { force: true });
  });
  const configurations = [
    service.raw,
    {
      ...own,
      ...operated,
      main: join(root, 'src/console/index.ts'),
      // Of `--env`, which wrangler looks for in both.
      ...(environment !== '' && { env: { [environment]: operated } }),
    },
  ];
  for (const [index, file] of files.entries())
    writeFileSync(file, `${JSON.stringify(configurations[index], null, 2)}\n`);
  return files;
}

function toVariables({ issuer, audience }: LocalConsole) {
  return { ISSUER: issuer, AUDIENCE: audience, OPERATORS: DEMO_USER_ID, SIGN_IN_URL: issuer };
}

/** The first of AUDIENCE, which may be a list as JSON. */
export function toAudience(text: string): string {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && typeof list[0] === 'string' ? list[0] : text;
  } catch {
    return text;
  }
}

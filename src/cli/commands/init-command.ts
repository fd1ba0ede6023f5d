/** `edge-sessions init`: a new deployment in a folder of its own. */
import { basename, relative, resolve } from 'node:path';
import { intro, select, text } from '@clack/prompts';
import { Option } from 'commander';
import { type CommonOptions, newCommand } from '../command.ts';
import { EXIT, Failure } from '../failure.ts';
import { findPackageManager, installPackages } from '../init/install-project.ts';
import { makeProject, type ProjectWishes, REGIONS, type Region } from '../init/project.ts';
import { asked, openTerminal, type Terminal } from '../terminal.ts';

interface Options extends CommonOptions {
  issuer?: string;
  audience?: string;
  region?: Region;
  client?: string;
  origin: string[];
  install: boolean;
  dependOn?: string;
}

const several = (given: string, before: string[]) => [...before, ...given.split(',')];

export const initCommand = () =>
  newCommand('init', 'a new deployment, in a folder of its own', [
    'edge-sessions init my-sessions',
    'edge-sessions init my-sessions --issuer https://auth.example.com --region weur --client web',
  ])
    .argument('[folder]', 'where it is made', 'my-sessions')
    .option('--issuer <url>', 'the public URL of the service')
    .option('--audience <uri>', 'who accepts its access tokens (default: the issuer and /api)')
    .addOption(new Option('--region <region>', 'where people are').choices(Object.keys(REGIONS)))
    .option('--client <id>', 'the client_id of your app; its backend is <id>-backend')
    .option('--origin <url>', 'of the pages of your app', several, [])
    .option('--no-install', 'do not install what it depends on')
    .option('--depend-on <version>', 'of edge-sessions, as package.json has it')
    .action(init);

async function init(name: string, options: Options): Promise<void> {
  const terminal = openTerminal(options);
  const folder = resolve(options.cwd, name);
  const wishes = await complete(folder, options, terminal);
  const { files, backend } = makeProject(wishes);
  const manager = findPackageManager();
  if (options.install) await install(folder, manager, terminal);
  const { client_id: id } = backend.entry;
  terminal.answer(
    { folder, files, client_id: id, client_secret: backend.secret, installed: options.install },
    toGuide(wishes, options, manager, id),
  );
  if (!terminal.isJson)
    console.log(`The secret of ${id}, which is stored nowhere: ${backend.secret}`);
}

async function install(folder: string, manager: string, terminal: Terminal): Promise<void> {
  const progress = terminal.progress(`${manager} install`);
  try {
    await installPackages(folder, manager);
    progress.done(`${manager} install: done`);
  } catch (error) {
    progress.failed(`${manager} install: failed`);
    throw error;
  }
}

/** Asks for the values that no option gives, where somebody is there. */
async function complete(
  folder: string,
  options: Options,
  terminal: Terminal,
): Promise<ProjectWishes> {
  const { origin: origins, dependOn: dependency } = options;
  const missing = (['issuer', 'region', 'client'] as const).filter(
    (name) => options[name] === undefined,
  );
  if (missing.length > 0 && !terminal.isInteractive)
    throw new Failure(
      `nobody is there to be asked: give ${missing.map((name) => `--${name}`).join(', ')}`,
      EXIT.usage,
    );
  const output = process.stderr;
  if (missing.length > 0) intro(`a new deployment in ${basename(folder)}`, { output });
  const issuer =
    options.issuer ??
    (await asked(
      text({
        message: 'The public URL of the service?',
        placeholder: 'https://auth.example.com',
        validate: (url) =>
          URL.canParse(url ?? '') ? undefined : 'a URL: https://auth.example.com',
        output,
      }),
    ));
  const region =
    options.region ??
    (await asked(
      select({
        message: 'Where are most of your users?',
        options: Object.entries(REGIONS).map(([value, label]) => ({ value, label })),
        output,
      }),
    ));
  const client =
    options.client ??
    (await asked(text({ message: 'The client_id of your app?', initialValue: 'web', output })));
  const url = issuer.replace(/\/+$/, '');
  const audience = options.audience ?? `${url}/api`;
  return { folder, issuer: url, audience, region: region as Region, client, origins, dependency };
}

function toGuide(
  { folder, client }: ProjectWishes,
  { install: isInstalled }: Options,
  manager: string,
  backend: string,
): string {
  const steps = [
    `cd ${relative(process.cwd(), folder) || '.'}`,
    ...(isInstalled ? [] : [`${manager} install`]),
    'npm run dev              # http://localhost:8787',
    'npx edge-sessions deploy # once `npx wrangler login` knows your account',
  ];
  return `${basename(folder)} is made:

${steps.map((step) => `  ${step}\n`).join('')}
Start a session, while it runs:

  curl -u "${backend}:$CLIENT_SECRET" -H 'Content-Type: application/json' -d '{"client_id":"${client}"}' http://localhost:8787/v1/sessions
`;
}

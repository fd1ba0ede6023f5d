/** `edge-sessions deploy`: from an empty Cloudflare account to a service that answers. */
import { type EnvironmentOptions, newEnvironmentCommand } from '../command.ts';
import { deploy } from '../deploy/deploy-service.ts';
import { chooseEnvironment, readEnvironment } from '../environment.ts';
import { openSettings } from '../settings/settings-file.ts';
import { openTerminal } from '../terminal.ts';

interface Options extends EnvironmentOptions {
  dryRun?: boolean;
}

export const deployCommand = () =>
  newEnvironmentCommand(
    'deploy',
    'databases, migrations, the secret, the Worker, and a look at it',
    ['edge-sessions deploy --dry-run', 'edge-sessions deploy --env staging'],
  )
    .option('--dry-run', 'change nothing: print the commands, and all that would be refused')
    .action(run);

async function run({ cwd, env, dryRun, json }: Options): Promise<void> {
  const terminal = openTerminal({ json });
  // Before `--`, npm takes the option for its own, and hands on that it was there.
  const isDryRun = dryRun === true || process.env.npm_config_dry_run === 'true';
  const name = chooseEnvironment(env);
  const environment = await readEnvironment(cwd, openSettings(cwd), name);
  const deployed = await deploy(cwd, environment, isDryRun, terminal);
  if (terminal.isJson) terminal.answer(deployed, '');
}

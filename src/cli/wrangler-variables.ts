/** The environment variables that wrangler is run with. */
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export function wranglerVariables(root: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    WRANGLER_SEND_METRICS: 'false',
    WRANGLER_HIDE_BANNER: 'true',
    ...(isConfigurationWritable() ? {} : { XDG_CONFIG_HOME: join(root, '.wrangler/config') }),
  };
}

/** wrangler keeps logs and its settings below HOME, and fails or stands still where it cannot. */
function isConfigurationWritable(): boolean {
  if (process.platform === 'win32') return true;
  const home = process.platform === 'darwin' ? 'Library/Preferences' : '.config';
  const { XDG_CONFIG_HOME: configured } = process.env;
  try {
    // Step by step, because a recursive mkdir never ends below some folders, /proc for one.
    for (const folder of configured ? [configured] : [homedir(), join(homedir(), home)])
      if (!existsSync(folder)) mkdirSync(folder);
    const own = join(configured || join(homedir(), home), '.wrangler');
    if (!existsSync(own)) mkdirSync(own);
    accessSync(own, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** The environment variables that wrangler is run with. */
import { accessSync, constants, mkdirSync } from 'node:fs';
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

/** wrangler keeps logs and settings below HOME, and stands still without a word where it cannot. */
function isConfigurationWritable(): boolean {
  const home = process.platform === 'darwin' ? 'Library/Preferences' : '.config';
  const folder = join(process.env.XDG_CONFIG_HOME ?? join(homedir(), home), '.wrangler');
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return process.platform === 'win32';
  }
}

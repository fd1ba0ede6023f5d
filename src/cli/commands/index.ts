/** The commands, in the order in which `--help` lists them: a file each. */
import type { MakeCommand } from '../command.ts';
import { clientCommand } from './client-command.ts';
import { deployCommand } from './deploy-command.ts';
import { homesCommand } from './homes-command.ts';
import { initCommand } from './init-command.ts';
import { issuerCommand } from './issuer-command.ts';
import { keysCommand } from './keys-command.ts';

export const COMMANDS: readonly MakeCommand[] = [
  initCommand,
  clientCommand,
  issuerCommand,
  deployCommand,
  keysCommand,
  homesCommand,
];

/** The commands, in the order in which `--help` lists them: a file each. */
import type { MakeCommand } from '../command.ts';
import { clientCommand } from './client-command.ts';
import { deployCommand } from './deploy-command.ts';
import { doctorCommand } from './doctor-command.ts';
import { eventsCommand } from './events-command.ts';
import { homesCommand } from './homes-command.ts';
import { importCommand } from './import-command.ts';
import { initCommand } from './init-command.ts';
import { issuerCommand } from './issuer-command.ts';
import { keysCommand } from './keys-command.ts';
import { sessionsCommand } from './sessions-command.ts';
import { stacksCommand } from './stacks-command.ts';

export const COMMANDS: readonly MakeCommand[] = [
  initCommand,
  clientCommand,
  issuerCommand,
  deployCommand,
  doctorCommand,
  sessionsCommand,
  eventsCommand,
  keysCommand,
  homesCommand,
  stacksCommand,
  importCommand,
];

/** The deployment that is looked at: its settings, and where its service is. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { isLocalHost } from '../../origins.ts';
import type { Ask } from '../ask-service.ts';
import { type PlainEnvironment, plainEnvironment } from '../environment.ts';
import { openSettings } from '../settings/settings-file.ts';

export interface Patient {
  folder: string;
  environment: PlainEnvironment;
  /** Whether it is the one that runs on this machine. */
  isLocal: boolean;
  /** The variables that it goes by: on this machine `.dev.vars` stands before the settings. */
  vars: Record<string, unknown>;
  /** The URL of the service; '' where the settings have none. */
  service: string;
  /** Asks as an operator; null: nobody's credentials are known. */
  ask: Ask | null;
}

/** Throws where there are no settings, or no such environment. */
export function examine(folder: string, name: string, wantsLocal: boolean): Patient {
  const environment = plainEnvironment(openSettings(folder), name);
  const issuer = String(environment.vars.ISSUER ?? '');
  const isLocal = wantsLocal || isLocalHost(URL.parse(issuer)?.hostname ?? '');
  const vars = isLocal ? { ...environment.vars, ...readDevVars(folder, name) } : environment.vars;
  const { SERVICE_URL: given } = process.env;
  const service = (isLocal ? given : undefined) || String(vars.ISSUER ?? '');
  return {
    folder,
    environment,
    isLocal,
    vars,
    service: service.replace(/\/+$/, ''),
    ask: null,
  };
}

function readDevVars(folder: string, name: string): Record<string, unknown> {
  const own = join(folder, `.dev.vars.${name}`);
  const path = name !== '' && existsSync(own) ? own : join(folder, '.dev.vars');
  return existsSync(path) ? parseEnv(readFileSync(path, 'utf8')) : {};
}

/** The objects in a variable that is a JSON array; none where it is not. */
export function readEntries(vars: Record<string, unknown>, name: string): object[] {
  const lists = Object.keys(vars).filter((key) => new RegExp(`^${name}(_[1-9]\\d*)?$`).test(key));
  return lists.flatMap((key) => {
    try {
      const list: unknown = JSON.parse(String(vars[key] || '[]'));
      // The configuration's own check finds other mistakes of the list.
      return Array.isArray(list) ? list.filter((entry) => Object(entry) === entry) : [];
    } catch {
      // What is no JSON is found by that check, too.
      return [];
    }
  });
}

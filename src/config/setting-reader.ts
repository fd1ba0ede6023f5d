/** Readers for the kinds of settings. A mistake in one is added to `mistakes`. */
import type { Env } from '../env';

export interface SettingReader {
  /** `range`: the least and the most that it may be. */
  wholeNumber: (
    name: keyof Env,
    { byDefault, range }: { byDefault: number; range: readonly [number, number] },
  ) => number;
  /** The first of the choices where it is not set. */
  oneOf: <T extends string>(name: keyof Env, choices: readonly [T, ...T[]]) => T;
  /** A time in UTC; null: it is not set. */
  moment: (name: keyof Env) => Date | null;
  /** null: it is missing, which is a mistake. */
  secret: (name: keyof Env) => string | null;
}

/** The values of a setting that goes on in `NAME_2`, `NAME_3` and so on, in this order. */
export function readNumbered(
  env: Env,
  name: keyof Env,
): { name: string; text: string | undefined }[] {
  const numberOf = (name: string) => Number(/\d+$/.exec(name)?.[0] ?? 1);
  return Object.keys(env)
    .filter((key) => key === name || (key.startsWith(`${name}_`) && /_[1-9]\d*$/.test(key)))
    .sort((a, b) => numberOf(a) - numberOf(b))
    .map((key) => ({ name: key, text: env[key as 'CLIENTS'] }));
}

export function readSettings(env: Env, mistakes: string[]): SettingReader {
  const textOf = (name: keyof Env) => (env[name] as string | undefined) || undefined;
  return {
    wholeNumber: (name, { byDefault, range: [least, most] }) => {
      const text = textOf(name);
      if (text === undefined) return byDefault;
      const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
      if (value >= least && value <= most) return value;
      mistakes.push(`${name} must be a whole number from ${least} to ${most}`);
      return byDefault;
    },
    oneOf: (name, choices) => {
      const text = textOf(name);
      if (text === undefined) return choices[0];
      const choice = choices.find((candidate) => candidate === text);
      if (choice === undefined) mistakes.push(`${name} must be one of ${choices.join(', ')}`);
      return choice ?? choices[0];
    },
    moment: (name) => {
      const text = textOf(name);
      if (text === undefined) return null;
      const moment = new Date(text);
      if (/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z$/.test(text) && !Number.isNaN(moment.getTime()))
        return moment;
      mistakes.push(`${name} must be a time in UTC, for example 2026-01-31T12:00:00Z`);
      return null;
    },
    secret: (name) => {
      const secret = textOf(name);
      if (secret === undefined) {
        mistakes.push(
          `${name} is missing: make one with \`openssl rand -base64 32\` and set it with \`wrangler secret put ${name}\` (on your own machine, \`npm start\` makes it)`,
        );
        return null;
      }
      if (secret.length < 32 || new Set(secret).size < 10)
        mistakes.push(
          `${name} is too weak: it must be at least 32 random characters, for example from \`openssl rand -base64 32\``,
        );
      return secret;
    },
  };
}

/** What stands among arguments that go on to wrangler. */
export interface Options {
  /** The value of `--name value` or `--name=value`; of several, the last one. */
  value(name: string): string | undefined;
  /** The option as another command of wrangler takes it. */
  again(name: string): string[];
  /** All arguments but the option. */
  without(name: string): string[];
  /** Those of `--var NAME:value`; of two with a name, the last one. */
  variables(): Record<string, string>;
}

export function readOptions(args: readonly string[]): Options {
  const all = (name: string) =>
    args.flatMap((arg, index) => {
      if (arg === `--${name}`) return args[index + 1] ?? [];
      return arg.startsWith(`--${name}=`) ? arg.slice(name.length + 3) : [];
    });
  const value = (name: string) => all(name).at(-1);
  return {
    value,
    again(name) {
      const given = value(name);
      return given === undefined ? [] : [`--${name}`, given];
    },
    without: (name) =>
      args.filter(
        (arg, index) =>
          arg !== `--${name}` && args[index - 1] !== `--${name}` && !arg.startsWith(`--${name}=`),
      ),
    variables: () =>
      Object.fromEntries(
        all('var').map((pair) => {
          const at = pair.indexOf(':');
          return [pair.slice(0, at), pair.slice(at + 1)];
        }),
      ),
  };
}

/** Options that stand behind `keys revoke`, and those of them that have a value. */
const OPTIONS = /^(--json|--help|-h|--(env|cwd)=.*)$/;
const WITH_VALUE = /^(-e|--env|--cwd)$/;

/** The id of a key may begin with a dash, and is no option then: it goes behind a `--`. */
export function guardKeyIds(args: readonly string[]): string[] {
  const [group, command, ...rest] = args;
  if (group !== 'keys' || command !== 'revoke' || rest.includes('--')) return [...args];
  const isOption = rest.map(
    (arg, index) =>
      OPTIONS.test(arg) || WITH_VALUE.test(arg) || WITH_VALUE.test(rest[index - 1] ?? ''),
  );
  const options = rest.filter((_, index) => isOption[index]);
  const ids = rest.filter((_, index) => !isOption[index]);
  return [group, command, ...options, '--', ...ids];
}

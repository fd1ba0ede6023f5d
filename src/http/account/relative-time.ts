/** Time as a person says it. */

const STEPS: readonly [unit: Intl.RelativeTimeFormatUnit, seconds: number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

/**
 * "2 hours ago", "in 13 days", as seen from `now` (ms); null when less than a minute has passed.
 * `format` has to say the number: what is 47 hours ago need not have been yesterday.
 */
export function sayAgo(date: Date, now: number, format: Intl.RelativeTimeFormat): string | null {
  const seconds = (date.getTime() - now) / 1000;
  // Future times are counted in days: "next week" may be 13 of them.
  const step = STEPS.find(
    ([unit, length]) => Math.abs(seconds) >= length && !(seconds > 0 && unit === 'week'),
  );
  // A time that is still to come is not "just now".
  if (step === undefined) return seconds > 0 ? format.format(1, 'minute') : null;
  const [unit, length] = step;
  return format.format(Math.trunc(seconds / length), unit);
}

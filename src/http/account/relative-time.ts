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
 * "2 hours ago", as seen from `now` (ms); null when it is less than a minute ago, or not over yet.
 */
export function sayAgo(date: Date, now: number, format: Intl.RelativeTimeFormat): string | null {
  const seconds = Math.floor((now - date.getTime()) / 1000);
  const step = STEPS.find(([, length]) => seconds >= length);
  if (step === undefined) return null;
  const [unit, length] = step;
  return format.format(-Math.floor(seconds / length), unit);
}

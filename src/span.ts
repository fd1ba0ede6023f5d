/**
 * Spans of the Workers' tracing around what a request waits for. The platform has spans of its own
 * for each query and fetch; these say which home and which endpoint it was. Where the platform has
 * no tracing, or it is off, there is nothing of them.
 */
import * as platform from 'cloudflare:workers';

/** `attributes` name no person. */
export function inSpan<T>(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  run: () => Promise<T>,
): Promise<T> {
  const { tracing } = platform as { tracing?: Pick<Tracing, 'enterSpan'> };
  if (tracing === undefined) return run();
  return tracing.enterSpan(name, (span) => {
    for (const [key, value] of Object.entries(attributes)) span.setAttribute(key, value);
    return run();
  });
}

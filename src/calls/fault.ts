/**
 * Turns a fault into what callers are told, by every door, and into a log line. Of an error, only
 * the service's own words are told.
 */
import { ConfigError, DatabaseUnavailableError, IssuerUnavailableError } from '../faults';

export interface Fault {
  code: 'database_unavailable' | 'issuer_unavailable' | 'config_invalid' | 'internal_error';
  /** The text that the caller is told. */
  detail: string | null;
  /** null: another try may not help. */
  retryAfterSeconds: number | null;
  /** The homes that did not answer, where several were asked. */
  homes: readonly string[];
}

/** Logs what was thrown, and says what callers may know of it. */
export function toFault(error: unknown, requestId: string): Fault {
  const log = (event: string, details: Record<string, unknown>) =>
    console.error(JSON.stringify({ level: 'error', event, request_id: requestId, ...details }));
  if (error instanceof DatabaseUnavailableError) {
    const { code, retryAfterSeconds, homes } = error;
    log(code, { detail: error.detail });
    return { code, detail: 'The database did not answer; retry', retryAfterSeconds, homes };
  }
  if (error instanceof IssuerUnavailableError) {
    const { code, retryAfterSeconds } = error;
    log(code, {});
    return { code, detail: 'Retry later', retryAfterSeconds, homes: [] };
  }
  if (error instanceof ConfigError) {
    log(error.code, { mistakes: error.mistakes });
    const detail = 'The log names what is wrong';
    return { code: error.code, detail, retryAfterSeconds: 30, homes: [] };
  }
  // A message of unknown origin may quote its input, so only where it came from is logged.
  const { name, stack } = error instanceof Error ? error : { name: typeof error, stack: undefined };
  const lines = stack?.split('\n').filter((line) => line.trimStart().startsWith('at '));
  log('internal_error', { name, stack: lines?.slice(0, 8) });
  return { code: 'internal_error', detail: null, retryAfterSeconds: null, homes: [] };
}

/** Faults, which are thrown. Outcomes that a caller should expect are values, not errors. */

/**
 * The configuration is wrong. `mistakes` names every variable at fault and why, never a value that
 * may be secret.
 */
export class ConfigError extends Error {
  readonly code = 'config_invalid';
  readonly mistakes: readonly string[];
  constructor(mistakes: readonly string[]) {
    super(`Invalid configuration:\n${mistakes.map((mistake) => `  - ${mistake}`).join('\n')}`);
    this.name = 'ConfigError';
    this.mistakes = mistakes;
  }
}

/**
 * D1 gave no answer in time, or failed. Whether a write was applied is unknown, so only a call that
 * is safe to repeat may be repeated. `detail` is D1's own message, which holds no bound parameter.
 */
export class DatabaseUnavailableError extends Error {
  readonly code = 'database_unavailable';
  readonly retryAfterSeconds = 1;
  readonly detail: string;
  /** Which ones did not answer, where several were asked. */
  readonly homes: readonly string[];
  constructor(detail: string, homes: readonly string[] = []) {
    super('The database did not answer');
    this.name = 'DatabaseUnavailableError';
    this.detail = detail;
    this.homes = homes;
  }
}

/** A trusted issuer's keys cannot be read now, so what it signed cannot be verified. */
export class IssuerUnavailableError extends Error {
  readonly code = 'issuer_unavailable';
  readonly retryAfterSeconds = 5;
  constructor() {
    super('The issuer did not answer');
    this.name = 'IssuerUnavailableError';
  }
}

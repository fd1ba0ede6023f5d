/** Logs attempts that failed. */
import type { FailedAttempt } from './deliver';

/** Logs a line for each. A delivery that was given up needs an operator. */
export function logFailedAttempts(failed: readonly FailedAttempt[]): void {
  for (const { endpoint, eventId, attempts, error, isDead } of failed) {
    const level = isDead ? 'error' : 'warn';
    const event = isDead ? 'webhook_dead' : 'webhook_failed';
    console[level](JSON.stringify({ level, event, endpoint, event_id: eventId, attempts, error }));
  }
}

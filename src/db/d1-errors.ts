/** Classifies D1's errors by their messages, because they have no codes. */
import { DrizzleQueryError } from 'drizzle-orm';

/**
 * D1's messages for a loss after which the same call may succeed at once. Overload is not among
 * them, because a retry would add to it.
 */
const CONNECTION_LOSSES = [
  'Network connection lost',
  'reset because its code was updated',
  'storage caused object to be reset',
  'Cannot resolve D1 DB due to transient issue on remote node',
  "Can't read from request stream because client disconnected",
];

/** Messages of errors that are not the statement's fault, beside the losses of a connection. */
const OUTAGES = [
  ...CONNECTION_LOSSES,
  'no answer within',
  'overloaded',
  'queued for too long',
  'internal error',
  'exceeded its CPU',
  'exceeded timeout',
];

export function isOutage(error: unknown): boolean {
  const message = describe(error);
  return OUTAGES.some((outage) => message.includes(outage));
}

export function isConnectionLoss(error: unknown): boolean {
  const message = describe(error);
  return CONNECTION_LOSSES.some((loss) => message.includes(loss));
}

/** A DrizzleQueryError's own message holds the bound parameters, so only its cause is told. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const message =
    error.cause instanceof Error
      ? error.cause.message
      : error instanceof DrizzleQueryError
        ? 'query failed'
        : error.message;
  return message.includes('no such table')
    ? `${message}: the migrations are missing, which npm start and npm run deploy apply`
    : message;
}

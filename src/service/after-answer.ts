/** The work after the answer, whichever door gave it. */
import type { Caller } from './caller';
import { deliverToWebhooks } from './deliveries';
import type { Service } from './service';

export function doAfterAnswer(
  caller: Caller,
  service: Service,
  waitUntil: (work: Promise<unknown>) => void,
): void {
  if (caller.written.length > 0 && service.config.webhooks.length > 0)
    waitUntil(deliverToWebhooks(caller, service));
  const flushed = service.tally.flush(service, caller);
  if (flushed !== null) waitUntil(flushed);
}

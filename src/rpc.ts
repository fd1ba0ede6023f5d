/**
 * The door for Workers of the same account: an entrypoint that they bind (docs/rpc.md). Its calls
 * are those of backends over HTTP; refusals are values. The binding's `props.clientId` is the
 * credential: whoever may deploy to the account can be any client, and nobody else can call.
 */
import { WorkerEntrypoint } from 'cloudflare:workers';
import { CALL_NAMES, callsOf } from './calls/calls';
import type { SessionsCalls, SessionsProps } from './client/rpc';
import type { Bindings } from './env';
import { serviceFor } from './service/instance';

/** The calls are added to it below, because RPC offers the methods of a class alone. */
const Entrypoint = WorkerEntrypoint as unknown as new (
  context: ExecutionContext,
  env: Bindings,
) => WorkerEntrypoint<Bindings, Partial<SessionsProps>> & SessionsCalls;

/**
 * The entrypoint for Workers of the same account, bound with `props: { clientId }`, which is the
 * credential. Its calls never throw: refusals and faults are values (docs/rpc.md).
 */
export class Sessions extends Entrypoint {
  /** Private, so that no caller reaches it. */
  get #calls(): SessionsCalls {
    return callsOf({
      name: 'rpc',
      service: () => serviceFor(this.env),
      clientId: this.ctx.props?.clientId,
      waitUntil: (work) => this.ctx.waitUntil(work),
    });
  }

  static {
    for (const name of CALL_NAMES)
      Object.defineProperty(Sessions.prototype, name, {
        value(this: Sessions, input: never, options: never) {
          return this.#calls[name](input, options);
        },
      });
  }
}

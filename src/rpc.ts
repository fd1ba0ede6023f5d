/**
 * The door for Workers of the same account: an entrypoint that they bind (docs/rpc.md). Its calls
 * are those of backends over HTTP; refusals are values. The binding's `props.clientId` is the
 * credential: whoever may deploy to the account can be any client, and nobody else can call.
 */
import { WorkerEntrypoint } from 'cloudflare:workers';
import { callsOf } from './calls/calls';
import type { SessionsCalls, SessionsProps } from './client/rpc';
import type { Bindings } from './env';
import { serviceFor } from './service/instance';

type Asked<Name extends keyof SessionsCalls> = Parameters<SessionsCalls[Name]>;
type Answered<Name extends keyof SessionsCalls> = ReturnType<SessionsCalls[Name]>;

export class Sessions
  extends WorkerEntrypoint<Bindings, Partial<SessionsProps>>
  implements SessionsCalls
{
  /** Private, so that no caller reaches it: of the class, RPC offers public methods alone. */
  get #calls(): SessionsCalls {
    return callsOf({
      name: 'rpc',
      service: () => serviceFor(this.env),
      clientId: this.ctx.props?.clientId,
      waitUntil: (work) => this.ctx.waitUntil(work),
    });
  }

  create(...asked: Asked<'create'>): Answered<'create'> {
    return this.#calls.create(...asked);
  }

  handOff(...asked: Asked<'handOff'>): Answered<'handOff'> {
    return this.#calls.handOff(...asked);
  }

  authenticate(...asked: Asked<'authenticate'>): Answered<'authenticate'> {
    return this.#calls.authenticate(...asked);
  }

  authenticateInBrowser(
    ...asked: Asked<'authenticateInBrowser'>
  ): Answered<'authenticateInBrowser'> {
    return this.#calls.authenticateInBrowser(...asked);
  }

  refresh(...asked: Asked<'refresh'>): Answered<'refresh'> {
    return this.#calls.refresh(...asked);
  }

  signIn(...asked: Asked<'signIn'>): Answered<'signIn'> {
    return this.#calls.signIn(...asked);
  }

  introspect(...asked: Asked<'introspect'>): Answered<'introspect'> {
    return this.#calls.introspect(...asked);
  }

  exchange(...asked: Asked<'exchange'>): Answered<'exchange'> {
    return this.#calls.exchange(...asked);
  }

  revoke(...asked: Asked<'revoke'>): Answered<'revoke'> {
    return this.#calls.revoke(...asked);
  }

  exchangeCookie(...asked: Asked<'exchangeCookie'>): Answered<'exchangeCookie'> {
    return this.#calls.exchangeCookie(...asked);
  }

  findUser(...asked: Asked<'findUser'>): Answered<'findUser'> {
    return this.#calls.findUser(...asked);
  }

  list(...asked: Asked<'list'>): Answered<'list'> {
    return this.#calls.list(...asked);
  }

  listEvents(...asked: Asked<'listEvents'>): Answered<'listEvents'> {
    return this.#calls.listEvents(...asked);
  }

  revokeAll(...asked: Asked<'revokeAll'>): Answered<'revokeAll'> {
    return this.#calls.revokeAll(...asked);
  }

  updateAll(...asked: Asked<'updateAll'>): Answered<'updateAll'> {
    return this.#calls.updateAll(...asked);
  }

  getSession(...asked: Asked<'getSession'>): Answered<'getSession'> {
    return this.#calls.getSession(...asked);
  }

  updateSession(...asked: Asked<'updateSession'>): Answered<'updateSession'> {
    return this.#calls.updateSession(...asked);
  }

  revokeSession(...asked: Asked<'revokeSession'>): Answered<'revokeSession'> {
    return this.#calls.revokeSession(...asked);
  }

  erase(...asked: Asked<'erase'>): Answered<'erase'> {
    return this.#calls.erase(...asked);
  }

  export(...asked: Asked<'export'>): Answered<'export'> {
    return this.#calls.export(...asked);
  }

  listOwn(...asked: Asked<'listOwn'>): Answered<'listOwn'> {
    return this.#calls.listOwn(...asked);
  }

  current(...asked: Asked<'current'>): Answered<'current'> {
    return this.#calls.current(...asked);
  }

  listOwnEvents(...asked: Asked<'listOwnEvents'>): Answered<'listOwnEvents'> {
    return this.#calls.listOwnEvents(...asked);
  }

  updateOwn(...asked: Asked<'updateOwn'>): Answered<'updateOwn'> {
    return this.#calls.updateOwn(...asked);
  }

  revokeOwn(...asked: Asked<'revokeOwn'>): Answered<'revokeOwn'> {
    return this.#calls.revokeOwn(...asked);
  }

  revokeOthers(...asked: Asked<'revokeOthers'>): Answered<'revokeOthers'> {
    return this.#calls.revokeOthers(...asked);
  }

  listHomes(...asked: Asked<'listHomes'>): Answered<'listHomes'> {
    return this.#calls.listHomes(...asked);
  }

  drainHome(...asked: Asked<'drainHome'>): Answered<'drainHome'> {
    return this.#calls.drainHome(...asked);
  }

  moveUser(...asked: Asked<'moveUser'>): Answered<'moveUser'> {
    return this.#calls.moveUser(...asked);
  }

  setNotBefore(...asked: Asked<'setNotBefore'>): Answered<'setNotBefore'> {
    return this.#calls.setNotBefore(...asked);
  }

  listDeliveries(...asked: Asked<'listDeliveries'>): Answered<'listDeliveries'> {
    return this.#calls.listDeliveries(...asked);
  }

  replayDeliveries(...asked: Asked<'replayDeliveries'>): Answered<'replayDeliveries'> {
    return this.#calls.replayDeliveries(...asked);
  }

  listAuditEvents(...asked: Asked<'listAuditEvents'>): Answered<'listAuditEvents'> {
    return this.#calls.listAuditEvents(...asked);
  }

  stats(...asked: Asked<'stats'>): Answered<'stats'> {
    return this.#calls.stats(...asked);
  }

  listSigningKeys(...asked: Asked<'listSigningKeys'>): Answered<'listSigningKeys'> {
    return this.#calls.listSigningKeys(...asked);
  }

  revokeSigningKeys(...asked: Asked<'revokeSigningKeys'>): Answered<'revokeSigningKeys'> {
    return this.#calls.revokeSigningKeys(...asked);
  }
}

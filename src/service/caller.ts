/**
 * Who asks: made once at a door (http/request-caller.ts, rpc.ts), and the first parameter of every
 * operation. An operation learns from it all that it may know of a request.
 */
import type { Client } from '../config/clients';
import type { Home } from '../db/d1';
import type { D1Access } from '../db/d1-access';
import type { RawSignals, Signals } from '../risk/signals';
import type { Facts } from '../security-log/audit';
import type { Session } from '../sessions/session';
import type { AccessToken } from '../tokens/access-token';

/** Extends the access to D1: what was asked on the caller's behalf, and what the caller has seen. */
export interface Caller extends D1Access {
  /** Names the request in the log, in events and in answers. */
  requestId: string;
  device: Device;
  /** Events that were written for the caller, of which the webhooks are told after the answer. */
  written: WrittenEvent[];
  /** Who of the client's staff asks, and why in words, for the facts of an act. */
  staff?: Facts;
}

/** A backend or app that has proved who it is. */
export interface ClientCaller extends Caller {
  client: Client;
}

/** The person behind a verified access token. Whether its session is live, the database knows. */
export interface UserCaller extends Caller {
  accessToken: AccessToken;
}

/** The person behind a browser's cookie, whose session was found to be live, and where. */
export interface CookieCaller extends Caller {
  session: Session;
  home: Home;
}

/** What a request tells of the device that it comes from, and of where that is. */
export interface Device extends RawSignals {
  /** The caller's address; null when it cannot be known. */
  address: string | null;
  /**
   * What a server that describes its person's device left out, which is taken to be as it was. A
   * device that sends its own requests tells all that it tells.
   */
  unknown?: readonly (keyof Signals)[];
}

export interface WrittenEvent {
  home: string;
  eventId: string;
}

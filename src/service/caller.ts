/**
 * The caller of an operation, and its first parameter: made once, at a door
 * (http/request-caller.ts, calls/answer.ts). It holds all that an operation may know of a request.
 */
import type { Client } from '../config/clients';
import type { Home } from '../db/d1';
import type { D1Access } from '../db/d1-access';
import type { RawSignals, Signals } from '../risk/signals';
import type { Facts } from '../security-log/audit';
import type { Session } from '../sessions/session';
import type { AccessToken } from '../tokens/access-token';

/**
 * Extends the access to D1: what was asked on the caller's behalf, and what the caller has seen.
 */
export interface Caller extends D1Access {
  /** Names the request in the log, in events and in answers. */
  requestId: string;
  device: Device;
  /** Events that were written for the caller, of which the webhooks are told after the answer. */
  written: WrittenEvent[];
  /** The member of the client's staff who asks, and why in words, for the facts of an act. */
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

/** The device that a request comes from, and its place, as the request tells them. */
export interface Device extends RawSignals {
  /** The caller's address; null when it cannot be known. */
  address: string | null;
  /**
   * Signals that a server left out when it described its person's device; they are taken to be as
   * they were. A device that sends its own requests leaves none out.
   */
  unknown?: readonly (keyof Signals)[];
}

export interface WrittenEvent {
  home: string;
  eventId: string;
}

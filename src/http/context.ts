/** The values that middleware leaves on Hono's context for the handlers. */
import type { Context } from 'hono';
import type { Client } from '../config/clients';
import type { Caller } from '../service/caller';
import type { AccessToken } from '../tokens/access-token';

export interface AppEnv {
  Variables: {
    /** Set on all routes. */
    caller: Caller;
    /** Why the request ended as it did, for the log. */
    outcome: string | undefined;
    /**
     * The request comes from an app whose session the browser's cookie is not: for it, the browser
     * has no session.
     */
    isOtherApps: boolean | undefined;
    /** The language that a form says the person chose. */
    language: string | undefined;
    /** Set on routes for backends. */
    client: Client;
    /** Set on routes for users. */
    accessToken: AccessToken;
    /**
     * Set on routes of cookies: the client whose session the cookie, or a code, has proved to be.
     */
    sessionClientId: string | undefined;
    /** The client that the caller says it is, and has not proved to be; fit for the log. */
    claimedClientId: string | undefined;
  };
}

export type AppContext = Context<AppEnv>;

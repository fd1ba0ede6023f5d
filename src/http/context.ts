/** What middleware leaves on Hono's context for the handlers. */
import type { Context } from 'hono';
import type { Client } from '../config/clients';
import type { Meter } from '../db/d1';
import type { AccessToken } from '../tokens/access-token';

export interface AppEnv {
  Variables: {
    requestId: string;
    meter: Meter;
    /** Why the request ended as it did, for the log. */
    outcome: string | undefined;
    /**
     * Events that the request wrote, or made due again, and that the webhooks may have to be told
     * of.
     */
    toTell: readonly { home: string; eventId: string }[] | undefined;
    /**
     * The request comes from an app whose session the browser's cookie is not: for it, the browser
     * has no session.
     */
    isOtherApps: boolean | undefined;
    /** Set on routes for backends. */
    client: Client;
    /** Set on routes for users. */
    accessToken: AccessToken;
  };
}

export type AppContext = Context<AppEnv>;

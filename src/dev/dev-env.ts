/** The variables that `npm start` has and a deployment has not. */
import type { Env } from '../env';

/** The variables that `.dev.vars` adds for the demo's backend. */
export interface DevEnv extends Env {
  DEMO_CLIENT_ID?: string;
  DEMO_CLIENT_SECRET?: string;
  /** The operator console, which runs beside. */
  CONSOLE?: Fetcher;
}

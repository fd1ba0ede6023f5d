/** The systems that sessions come from, by their names on the command line. */
import { authJs } from './auth-js.ts';
import { betterAuth } from './better-auth.ts';
import type { OtherSystem } from './exported-session.ts';
import { expressSession } from './express-store.ts';
import { lucia } from './lucia.ts';
import { supabase } from './supabase.ts';

export const SYSTEMS: Readonly<Record<string, OtherSystem>> = {
  'better-auth': betterAuth,
  supabase,
  lucia,
  authjs: authJs,
  'express-session': expressSession,
};

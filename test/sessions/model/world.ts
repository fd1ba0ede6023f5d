/** The model of the service: what is known of each session, and what it is made of. Seconds. */
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { expect } from 'vitest';
import type { Env } from '../../../src/env';
import type { SigningKey } from '../../../src/tokens/signing-keys';
import { APP, type Caller, type Fault } from '../../fixtures';
import type { HomeName, ThreeHomes } from '../../homes/three-homes';
import { AT, UA } from '../../risk/callers';

/** What the one identity provider calls the people, and the ids that follow from it. */
export const TENANT = 'https://tenant.example/';
const SUBJECTS = ['auth0|ada', 'auth0|bob'];
export const USERS: readonly string[] = [
  '5813b82e-fe5a-8574-92f2-7625602cdea0',
  'c8f1df62-6cf8-81d4-9ac1-9911da55badc',
];
export const GRACE = 30;
export const HOUR = 3_600;
export const DAY = 24 * HOUR;
export const IDLE = 26 * HOUR;
export const LOST_ANSWER = 900;
export const LIMIT = 3;
/** The apps, two of which have their own grace period, inactivity timeout and limit. */
export const POLICIES = {
  [APP]: { grace: GRACE, idle: IDLE, limit: LIMIT },
  'other-app': { grace: 10, idle: 2 * HOUR, limit: 1 },
  /** It names people as the provider does. */
  'tenant-app': { grace: 20, idle: 5 * HOUR, limit: 2 },
} as const;
export type ClientName = keyof typeof POLICIES;
/** Sessions of a user at most. */
export const ALL_LIMITS = Object.values(POLICIES).reduce((sum, { limit }) => sum + limit, 0);

/** How a call names a person. */
export type By = 'id' | 'name';
const nameOf = (user: number) => ({ issuer: TENANT, subject: SUBJECTS[user] as string });

/** A person as a body has them. */
export const whose = (user: number, by: By) =>
  by === 'id' ? { user_id: USERS[user] as string } : { user: nameOf(user) };

/** The same in a path: their sessions, say. */
export function pathOf(user: number, by: By, what: string, query: Record<string, string> = {}) {
  const all = new URLSearchParams(by === 'id' ? query : { ...nameOf(user), ...query });
  return `/v1/users/${by === 'id' ? USERS[user] : 'by-subject'}/${what}?${all}`;
}

/** An API of the tenant's meets one name of a person, and all others meet the id. */
export function expectNamed(accessToken: string, { userId, client }: ModelSession): void {
  const { sub, uid } = decodeJwt(accessToken);
  const subject = SUBJECTS[USERS.indexOf(userId)];
  expect({ sub, uid }).toEqual(
    client === 'tenant-app' ? { sub: subject, uid: userId } : { sub: userId, uid: undefined },
  );
}

/** `SESSION_LIFETIME_SECONDS`, as one configuration or the next has it. */
export const LIFETIMES = [5 * DAY, 3 * HOUR, HOUR] as const;

export const CALLERS = {
  owner: { userAgent: UA.chrome(), ...AT.home },
  thief: { userAgent: UA.firefox(), ...AT.lima },
} satisfies Record<string, Caller>;
export type CallerName = keyof typeof CALLERS;

export interface ModelSession {
  id: string;
  client: ClientName;
  userId: string;
  /** The tokens of its life, as far as anyone has seen them; a lost one is not known. */
  tokens: (string | null)[];
  /** Under which SESSION_SECRET the ratchet made each. */
  ratchets: number[];
  accessToken: string;
  /** Which token is the current one. */
  current: number;
  createdAt: number;
  expiresAt: number;
  rotatedAt: number | null;
  /** Who made the last rotation; null: none yet. */
  lastCaller: CallerName | null;
  /** How well the person has proved who they are: one more with each step-up. */
  proof: number;
  /** The tokens that a step-up superseded, and what the session was to them. */
  superseded: Superseded[];
  /** Which token the last recovery gave, and when each was. */
  recoveries: { given: number | null; at: number[] };
  /** By its own row. */
  ended: string | null;
  /** It began before a not-before. */
  isOutdated: boolean;
  /** Support staff act as the user. */
  isSupport: boolean;
  /** Which of the backends' changes its access tokens say; undefined: none. */
  change: number | undefined;
}

export interface Superseded {
  index: number;
  rotatedAt: number | null;
  until: number;
  proof: number;
}

export interface Model {
  now: number;
  lifetime: number;
  sessions: ModelSession[];
  /** Where each user lives; absent: nobody knows them. */
  homes: Map<string, HomeName>;
  /** Whose name at the provider somebody has said. */
  named: Set<string>;
  /** Whose last move was cut: what they do next finishes it, or the cron. */
  unfinished: Set<string>;
  /** Which SESSION_SECRET is in use; all before it have leaked. */
  generation: number;
  /** When tokens of the secret before it end. */
  previousEndsAt: number;
  /** The SESSION_SECRET of each `kid` of a refresh token. */
  generations: Map<string, number>;
  /** Signing keys that were compromised, and withdrawn. */
  withdrawn: Set<string>;
  /** How often someone has proved who they are. */
  proofs: number;
  /** How often a backend has changed claims. */
  changes: number;
}

export interface Real {
  /** Replaced by a crash: the databases stay, all else is new. */
  homes: ThreeHomes;
  variables: Partial<Env>;
  /** What was signed with before it was withdrawn. */
  stolenKeys: SigningKey[];
}

export const FIRST_VARIABLES: Partial<Env> = {
  REFRESH_GRACE_SECONDS: String(GRACE),
  INACTIVITY_TIMEOUT_SECONDS: String(IDLE),
  SESSION_LIFETIME_SECONDS: String(LIFETIMES[0]),
  LOST_ANSWER_SECONDS: String(LOST_ANSWER),
  MAX_SESSIONS_PER_USER: String(LIMIT),
  ACCESS_TOKEN_TTL_SECONDS: String(HOUR),
  // Longer than any history, so that what is over can be asked about.
  CLEANUP_RETENTION_SECONDS: String(3_000 * DAY),
  SESSION_SECRET: secretOfGeneration(0),
};

export function secretOfGeneration(generation: number): string {
  return `the-session-secret-number-${generation}-of-the-model-0123456789`;
}

export type FaultName =
  | 'none'
  | 'retried before'
  | 'retried after'
  | 'overloaded before'
  | 'overloaded after';
export const FAULTS: Record<Exclude<FaultName, 'none'>, Fault> = {
  'retried before': { before: 'Network connection lost.' },
  'retried after': { after: 'Network connection lost.' },
  'overloaded before': { before: 'D1 DB is overloaded. Too many requests queued.' },
  'overloaded after': { after: 'D1 DB is overloaded. Too many requests queued.' },
};

/** Why the session is over, by the model. */
export function endOf(session: ModelSession, now: number): string | null {
  if (session.ended !== null) return session.ended;
  if (session.isOutdated) return 'revoked';
  if (now >= session.expiresAt) return 'expired_absolute';
  return now >= (session.rotatedAt ?? session.createdAt) + POLICIES[session.client].idle
    ? 'expired_idle'
    : null;
}

export const liveOf = (model: Model, userId: string) =>
  model.sessions.filter(
    (session) => session.userId === userId && endOf(session, model.now) === null,
  );

/** Counted back from the newest. */
export const sessionOf = ({ sessions }: Model, number: number) =>
  sessions[sessions.length - 1 - (number % sessions.length)] as ModelSession;

/** A token of the session's life, counted back from the newest, if anyone has seen it. */
export function tokenOf(session: ModelSession, back: number) {
  const index = Math.max(0, session.tokens.length - 1 - back);
  return { index, token: session.tokens[index] ?? null };
}

/** Whether an access token is still good by itself. */
export function isGood(accessToken: string, { now, withdrawn }: Model): boolean {
  const { exp = 0 } = decodeJwt(accessToken);
  return now < exp && !withdrawn.has(decodeProtectedHeader(accessToken).kid ?? '');
}

export const kidOf = (refreshToken: string) =>
  decodeProtectedHeader(refreshToken.replace('v2.', '')).kid as string;

/** Tokens of one secret differ in the home that they name, and in the key that signed them. */
export const secretOf = (refreshToken: string) =>
  decodeJwt(refreshToken.replace('v2.', '')).secret as string;

/**
 * What is known of the accounts in one browser: the sessions, and the cookies that the browser has
 * of them. Seconds since 1970.
 */
import type fc from 'fast-check';
import type { Env } from '../../../../src/env';
import type { ThreeHomes } from '../../../homes/three-homes';
import type { CookieJar } from './cookie-jar';

export const GRACE = 30;
export const HOUR = 3_600;
export const DAY = 24 * HOUR;
export const IDLE = 26 * HOUR;
export const LIFETIME = 5 * DAY;
export const ACCESS_TOKEN_TTL = 600;
/** For which a start URL is good. */
export const LINK_SECONDS = 60;
/** For which a browser keeps which account is current. */
export const CURRENT_SECONDS = 400 * DAY;
export const ACCOUNTS = [0, 1, 2, 3, 4] as const;

/** More than a browser has accounts. */
export const PEOPLE = [1, 2, 3, 4, 5, 6, 7].map(
  (number) => `7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c0${number}`,
);

export interface ModelSession {
  id: string;
  /** null: a guest's. */
  userId: string | null;
  /** Support staff act as the user. */
  isSupport: boolean;
  createdAt: number;
  rotatedAt: number | null;
  expiresAt: number;
  /** By its own row. */
  ended: 'signed_out' | 'revoked' | null;
}

/** A start URL that a backend was given. */
export interface Link {
  session: ModelSession;
  path: string;
  until: number;
}

/** The browser's cookies, by the index of the account. */
export interface Browser {
  sessions: Map<number, { session: ModelSession; until: number }>;
  accessTokens: Map<number, { until: number }>;
  /** The cookie that says which account is current; null: there was never another than 0. */
  chosen: { index: number; until: number } | null;
}

export interface Model {
  now: number;
  sessions: ModelSession[];
  links: Link[];
  browser: Browser;
}

export interface Real {
  /** Replaced by a crash: the databases stay, all else is new. */
  homes: ThreeHomes;
  variables: Partial<Env>;
  jar: CookieJar;
  /** Whether people begin in different homes, or all in one. */
  isSpread: boolean;
}

export type Command = fc.AsyncCommand<Model, Real>;

/** When the session ends, unless it is used. */
export const endsAt = ({ expiresAt, rotatedAt, createdAt }: ModelSession) =>
  Math.min(expiresAt, (rotatedAt ?? createdAt) + IDLE);

export const isLive = (session: ModelSession, { now }: Model) =>
  session.ended === null && now < endsAt(session);

export const currentOf = ({ browser: { chosen } }: Model) => chosen?.index ?? 0;

/** The accounts whose sessions are live, in the order of their indexes. */
export const accountsOf = (model: Model) =>
  ACCOUNTS.flatMap((index) => {
    const session = model.browser.sessions.get(index)?.session;
    return session !== undefined && isLive(session, model) ? [{ index, session }] : [];
  });

/** Who has used the service. */
export const isKnown = ({ sessions }: Readonly<Model>, userId: string | undefined) =>
  sessions.some((session) => session.userId === userId);

/**
 * Presents a refresh token without refreshing: a session cookie that opens a page, or a token of an
 * introspection, a step-up or a sign-out. The token is weighed as a refresh would weigh it
 * (refresh-case.ts), whatever the route, so that a stolen credential opens nothing that a refresh
 * would deny, and is reported wherever it is shown.
 *
 * A superseded token is refused and reported as reuse, but it ends the session at a refresh alone:
 * a request that was delayed, or a browser that was restored, shows an old one without asking for
 * anything, and the next refresh tells which it was.
 */
import { sha256 } from '../crypto';
import { type Home, transact } from '../db/d1';
import { DatabaseUnavailableError } from '../faults';
import type { StoredAddress } from '../risk/address';
import { asItWas, NO_SIGNALS, type Signals } from '../risk/signals';
import { type RepeatableDraft, toOnce } from '../security-log/hourly-limit';
import type { EventDraft, RecordedEvent } from '../security-log/record';
import { successorsOf, type VerifiedRefreshToken } from '../tokens/refresh-token';
import { changeIfUnchanged } from './change-if-unchanged';
import { type RefusalReason, toEndReason } from './end-reason';
import { NOTHING_REQUESTED } from './granted';
import { observe } from './observe';
import { findSession } from './read';
import { IS_RECOVERY } from './recovery';
import { type RefreshCase, type RefreshContext, toRefreshCase } from './refresh-case';
import { endById, type Revocation } from './revocation';
import { MAX_LOST_RACES } from './rotate';
import {
  MOVED,
  type Moved,
  type Session,
  type SessionWithNotBefore,
  selectSession,
} from './session';

/** The caller who presents a token, as far as the request tells. */
export interface Visitor {
  signals: Signals;
  formerNetwork: string | null;
  /** The same network as earlier configurations stored it (risk/address.ts). */
  otherNetworks: StoredAddress['otherNetworks'];
  userAgent: string | null;
  /**
   * Signals that this request could not tell, because a server sent it for the person; they are
   * taken to be as they were. Any other signal that is null was withheld.
   */
  unknown: readonly (keyof Signals)[];
}

/**
 * A server's own request, which tells nothing of the person. Then only the token is weighed: it is
 * theft where no caller could be the rightful one.
 */
export const NOBODY: Visitor = {
  signals: NO_SIGNALS,
  formerNetwork: null,
  otherNetworks: async () => [],
  userAgent: null,
  unknown: Object.keys(NO_SIGNALS) as (keyof Signals)[],
};

export interface Presentation {
  token: VerifiedRefreshToken;
  /** The client that the token has to belong to; null: any. */
  clientId: string | null;
  visitor: Visitor;
}

export type PresentedResult = {
  events: RecordedEvent[];
} /** With the authentication that the token stands for, which may be one before the last. */ & (
  | { ok: true; session: Session }
  | { ok: false; reason: RefusalReason }
  /**
   * `superseded`: authentic, but neither current nor within the grace period. A refresh with it
   * recovers a lost answer, or is reuse.
   */
  | { ok: false; reason: 'unknown_session' | 'wrong_client' | 'superseded' }
);

/**
 * The live session of an authentic token that a refresh would accept. The risk policy `revoke` ends
 * the session of a suspicious caller here too. One round trip and no write, unless there is
 * something to report: then two, and the event, once for each rotation. `known` is the session as
 * it was just read, with others (`findSessions`); undefined: it is read here.
 */
export async function presentToken(
  home: Home,
  presentation: Presentation,
  context: RefreshContext,
  known?: SessionWithNotBefore | Moved | null,
): Promise<PresentedResult | Moved> {
  const id = presentation.token.sessionId;
  const { reporting, now } = context;
  let row = (known === undefined ? await findSession(home, id) : known) ?? undefined;
  for (let races = 0; races < MAX_LOST_RACES; races += 1) {
    if (row === MOVED) return MOVED;
    if (row === undefined) return { ok: false, reason: 'unknown_session', events: [] };
    const refreshCase = await weigh(row, presentation, context);
    if (refreshCase.do === 'follow') return MOVED;
    const event = await toEvent(row, refreshCase, presentation);
    if (event === null) return { ...toResult(refreshCase, row), events: [] };
    const change =
      refreshCase.do === 'revoke' && refreshCase.reason === 'suspicious'
        ? { revokedAt: new Date(now), revokedReason: refreshCase.reason }
        : null;
    const { isDone, after, events } = await changeIfUnchanged(home, row, {
      change,
      event,
      reporting,
      now,
    });
    if (isDone) return { ...toResult(refreshCase, row), events };
    row = after;
  }
  throw new DatabaseUnavailableError('the row changed each time before it could be acted on');
}

/**
 * Ends the session of a client's token (RFC 7009 §2.1): any authentic one is proof enough, a
 * superseded one too, but the event that a refresh with it would report is reported. A session that
 * is not there, or not the client's, is left alone. One round trip, unless there is something to
 * report.
 */
export async function revokePresented(
  home: Home,
  presentation: Presentation & { clientId: string },
  context: Pick<RefreshContext, 'keyring' | 'policy'>,
  revocation: Revocation,
): Promise<RecordedEvent[] | Moved> {
  const { sessionId } = presentation.token;
  const { reporting, now } = revocation;
  const { clientId } = presentation;
  const by = { by: 'client', client_id: clientId, reason: 'signed_out' } as const;
  const own = selectSession(sessionId);
  const end = endById({ sessionId, clientId }, by, revocation);
  const {
    own: [before],
    events: ended,
  } = await transact(home, () => ({ own, ...end }));
  if (before === undefined) return ended;
  const refreshCase = await weigh(before, presentation, { ...context, now });
  if (refreshCase.do === 'follow') return MOVED;
  const event = toObservation(await toEvent(before, refreshCase, presentation));
  if (event === null) return ended;
  return [...ended, ...(await observe(home, before, event, { reporting, now }))];
}

async function weigh(
  row: SessionWithNotBefore,
  { token, clientId, visitor }: Presentation,
  { keyring, policy, now }: Omit<RefreshContext, 'reporting'>,
): Promise<RefreshCase> {
  const [hash, successors] = await Promise.all([
    sha256(token.secret),
    successorsOf(keyring, token),
  ]);
  const attempt = {
    secret: token.secret,
    mayBeForged: token.mayBeForged,
    hash,
    successors,
    clientId: clientId ?? row.clientId ?? '',
    requested: NOTHING_REQUESTED,
    signals: asItWas(row.lastSignals, visitor.signals, visitor.unknown),
    formerNetwork: visitor.formerNetwork,
    otherNetworks: visitor.otherNetworks,
    userAgent: visitor.userAgent,
  };
  return toRefreshCase(row, attempt, policy, { now, isOwnRotation: false });
}

type DecidedHere = Exclude<RefreshCase, { do: 'follow' }>;

async function toEvent(
  row: Session,
  refreshCase: DecidedHere,
  { token, visitor }: Presentation,
): Promise<EventDraft | RepeatableDraft | null> {
  if (refreshCase.do === 'refuse' || refreshCase.event === null) return null;
  // This answer gives no token, so that no answer is recovered.
  if (refreshCase.event.type === 'answer_recovered') return null;
  const { context: _, ...details } = refreshCase.event.details;
  const context = visitor === NOBODY ? {} : { context: visitor.signals };
  const event = { ...refreshCase.event, details: { ...details, ...context } };
  if (event.type !== 'reuse_detected') return event;
  // The row stays as it is, so each superseded token is reported once for each rotation.
  const once = await toOnce([row.rotatedAt?.getTime() ?? 0, await sha256(token.secret)]);
  return { type: event.type, once, details: event.details };
}

/**
 * Events that are true also where the session goes on. A new type of event has to be added here, or
 * to the cases below.
 */
type Observed =
  | 'session_created'
  | 'support_access'
  | 'new_device'
  | 'context_changed'
  | 'mismatch'
  | 'answer_recovered'
  | 'authenticated'
  | 'reuse_detected'
  | 'session_evicted';

/** The event where nothing is refused: it says that the caller differs, or that there was theft. */
function toObservation(
  event: EventDraft | RepeatableDraft | null,
): EventDraft | RepeatableDraft | null {
  if (event === null) return null;
  switch (event.type) {
    case 'session_revoked':
    case 'reauthentication_demanded':
      return { ...event, type: 'mismatch' };
    default:
      return { ...event, type: event.type satisfies Observed };
  }
}

function toResult(
  refreshCase: DecidedHere,
  session: Session,
):
  | { ok: true; session: Session }
  | { ok: false; reason: RefusalReason | 'wrong_client' | 'superseded' } {
  switch (refreshCase.do) {
    case 'refuse':
      // Such a token may never have been the session's own. It ends nothing.
      if (refreshCase.reason === 'unproven') return { ok: false, reason: 'superseded' };
      if (refreshCase.reason === 'invalid_target' || refreshCase.reason === 'invalid_scope')
        throw new Error('nothing was asked for');
      return { ok: false, reason: refreshCase.reason };
    case 'demand_reauthentication':
      return { ok: false, reason: 'reauthenticate' };
    case 'revoke':
      return {
        ok: false,
        reason:
          refreshCase.reason === 'reuse_detected' ? 'superseded' : toEndReason(refreshCase.reason),
      };
    case 'rotate':
      return { ok: true, session };
    case 'repeat':
      return IS_RECOVERY[refreshCase.outcome]
        ? { ok: false, reason: 'superseded' }
        : { ok: true, session: { ...session, ...refreshCase.authentication } };
  }
}

/**
 * A backend brings the live sessions of another system, so that nobody is signed out by coming from
 * there. Each starts here like any other, so that its person sees and ends it, and that it moves
 * and is erased as all are; but its first refresh token is the other system's own, of which this
 * service has a hash (tokens/imported-token.ts).
 *
 * An import may be run any number of times: what was taken in is known by its id, also when its
 * session is over and gone, so that no old export brings back what was ended since.
 */
import { assertAllAnswered, queryAll } from '../homes/query-all';
import { findUsed } from '../sessions/people';
import { type ImportedToken, toImportedTokens } from '../tokens/imported-token';
import { reportAct, toAct } from './acts';
import { authorize } from './authorize';
import type { ClientCaller } from './caller';
import type { Refusal, Result } from './refusal';
import type { Service } from './service';
import type { StartInput } from './start-input';
import { startSession } from './start-session';

/** A session as the other system has it. */
export interface ForeignSession extends StartInput {
  /** SHA-256 (base64url) of the token as its holder presents it. */
  tokenHash: string;
  /** When the session ends in the other system, in seconds since 1970; null: never. */
  expiresAt: number | null;
}

/** The outcome for one imported session. */
export type Imported =
  | { outcome: 'taken' | 'already_there' }
  /** `import_over`: IMPORTED_SESSIONS_UNTIL is not set, or over. */
  | { outcome: 'left'; reason: 'expired' | 'import_over' | Refusal['code'] };

/** How long it is known which sessions an import took in (ms). */
const KNOWN_MS = 400 * 86_400_000;

/**
 * Returns the outcome of each session, in the order of the input. One round trip a home, and for
 * each session that is taken those of a start.
 */
export async function importSessions(
  caller: ClientCaller,
  service: Service,
  foreign: readonly ForeignSession[],
): Promise<Result<{ sessions: Imported[] }>> {
  const authorized = authorize(caller.client, 'import_sessions');
  if (!authorized.ok) return authorized;
  const until = service.config.importedSessionsUntil?.getTime() ?? 0;
  const now = service.now();
  const keyring = await service.keyring();
  const tokens = await Promise.all(foreign.map((one) => toImportedTokens(keyring, one.tokenHash)));
  const ids = tokens.flat().map(({ sessionId }) => sessionId);
  const { results, unavailable } = await queryAll(service.homes(caller), (home) =>
    findUsed(home, ids),
  );
  assertAllAnswered(unavailable);
  const known = new Set(results.flatMap(({ value }) => value));
  const act = await toAct(caller, service, authorized.grant, {
    type: 'sessions_imported',
    target: { type: 'sessions' },
    reason: null,
    facts: { sessions: foreign.length },
    // The first home that takes a session in.
    outboxHome: '',
  });
  const importOne = async (
    { tokenHash: _, expiresAt, ...input }: ForeignSession,
    own: readonly ImportedToken[],
  ): Promise<Imported> => {
    if (own.some(({ sessionId }) => known.has(sessionId))) return { outcome: 'already_there' };
    if (until <= now) return { outcome: 'left', reason: 'import_over' };
    const ends = Math.min(until, 1000 * (expiresAt ?? Number.POSITIVE_INFINITY));
    if (ends <= now) return { outcome: 'left', reason: 'expired' };
    const [token] = own as [ImportedToken];
    const times = { expiresAt: new Date(ends), knownUntil: new Date(now + KNOWN_MS) };
    const wanted = { ...input, imported: { token, act, ...times } };
    const started = await startSession(caller, service, wanted, null);
    if (!started.ok) return { outcome: 'left', reason: started.refusal.code };
    // The input may have the same session twice.
    known.add(token.sessionId);
    return { outcome: 'taken' };
  };
  const sessions: Imported[] = [];
  for (const [index, one] of foreign.entries())
    sessions.push(await importOne(one, tokens[index] ?? []));
  if (act.outboxHome !== '') reportAct(caller, act, results);
  return { ok: true, sessions };
}

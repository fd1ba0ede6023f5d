/** Bringing sessions to the service: in calls that it takes, several at once. */
import type { Ask } from '../ask-service.ts';
import { Failure } from '../failure.ts';
import type { ExportedSession } from './exported-session.ts';

export interface Outcome {
  outcome: 'taken' | 'already_there' | 'left';
  reason?: string;
}

/** The sessions, and their bytes, that a call takes; the rest of its input has room beside them. */
const MAX_SESSIONS = 50;
const MAX_BYTES = 15_000;
const AT_ONCE = 4;

export interface Destination {
  clientId: string | null;
  issuer: string | null;
  home: string | null;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The session as the service takes it; null: without an issuer only a UUID names a person. */
export function toInput(session: ExportedSession, to: Destination): object | null {
  const { user, tokenHash, signedInAt, expiresAt, userAgent, ipAddress } = session;
  if (to.issuer === null && !UUID.test(user)) return null;
  return {
    token_sha256: tokenHash,
    ...(to.issuer === null ? { user_id: user } : { user: { issuer: to.issuer, subject: user } }),
    ...(to.clientId !== null && { client_id: to.clientId }),
    ...(to.home !== null && { home: to.home }),
    ...(signedInAt !== null && { auth_time: signedInAt }),
    expires_at: expiresAt,
    ...(userAgent !== null && { user_agent: cut(userAgent) }),
    ...(ipAddress !== null && { ip_address: cut(ipAddress) }),
  };
}

/**
 * The length that the service keeps. A browser may have sent a user agent that is too long for any
 * call.
 */
const MOST_CHARACTERS = 1024;

const cut = (text: string) => text.replaceAll('\0', '').slice(0, MOST_CHARACTERS).toWellFormed();

/** `told` is called with what came of each, by its place among the inputs. */
export async function bringSessions(
  ask: Ask,
  inputs: readonly object[],
  told: (index: number, outcome: Outcome) => void,
): Promise<void> {
  const calls = toCalls(inputs);
  const work = async () => {
    for (let call = calls.shift(); call !== undefined; call = calls.shift()) {
      const { first, sessions } = call;
      const answer = await ask<{ sessions: Outcome[] }>('POST', '/v1/import/sessions', {
        sessions,
      });
      for (const [index, outcome] of answer.sessions.entries()) {
        if (outcome.reason === 'import_over')
          throw new Failure(
            'the service accepts no tokens of another system: set IMPORTED_SESSIONS_UNTIL, deploy, and run this again',
          );
        told(first + index, outcome);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

function toCalls(inputs: readonly object[]): { first: number; sessions: object[] }[] {
  const calls: { first: number; sessions: object[] }[] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const [index, input] of inputs.entries()) {
    const size = Buffer.byteLength(JSON.stringify(input)) + 1;
    const last = calls.at(-1);
    if (last === undefined || last.sessions.length === MAX_SESSIONS || bytes + size > MAX_BYTES) {
      calls.push({ first: index, sessions: [input] });
      bytes = size;
    } else {
      last.sessions.push(input);
      bytes += size;
    }
  }
  return calls;
}

/** Calls that bring sessions: whatever browsers said of themselves, the service takes each. */
import { expect, it } from 'vitest';
import { bringSessions, type Outcome, toInput } from '../../../src/cli/import/bring-sessions.ts';
import type { ExportedSession } from '../../../src/cli/import/exported-session.ts';

/** What the service takes (src/calls/parse.ts). */
const MOST_BYTES = 16 * 1024;
const HASH = 'A'.repeat(43);
const TO = { clientId: 'web', issuer: 'https://old.example', home: null };
const session: ExportedSession = {
  tokenHash: HASH,
  user: '7',
  signedInAt: 1,
  expiresAt: null,
  userAgent: null,
  ipAddress: null,
};

async function bring(sessions: readonly ExportedSession[]) {
  const bodies: string[] = [];
  const told: number[] = [];
  const ask = async (_: string, __: string, body?: object) => {
    bodies.push(JSON.stringify(body));
    const { sessions: sent } = body as { sessions: object[] };
    return { sessions: sent.map((): Outcome => ({ outcome: 'taken' })) };
  };
  const inputs = sessions.map((one) => toInput(one, TO) as object);
  await bringSessions(ask as never, inputs, (index) => told.push(index));
  return { bodies, told: told.sort((a, b) => a - b) };
}

it.each<[string, Partial<ExportedSession>]>([
  ['that fill a request', { userAgent: 'x'.repeat(15_900), ipAddress: 'y'.repeat(15_900) }],
  ['of characters that are long as JSON', { userAgent: '\u0001'.repeat(2000) }],
  ['with a NUL', { userAgent: 'x\0', ipAddress: '\0' }],
  ['that a cut would break', { userAgent: `${'x'.repeat(1023)}\u{1f600}` }],
])('sessions with names of browsers %s are brought with all others', async (_, odd) => {
  const sessions = Array.from({ length: 120 }, (__, at) => ({ ...session, ...(at % 3 && odd) }));
  const { bodies, told } = await bring(sessions);
  expect(told).toEqual(sessions.map((__, index) => index));
  for (const body of bodies) {
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(MOST_BYTES);
    // It refuses a body in which there is a NUL, or half a character.
    expect(body).not.toMatch(/\\u0000|\\ud[89a-f]/);
  }
});

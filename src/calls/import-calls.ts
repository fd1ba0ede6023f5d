/** Coming from another system: its live sessions are taken in, and their tokens handed off. */
import * as v from 'valibot';
import * as handingOff from '../service/hand-off-imported';
import * as imports from '../service/import-sessions';
import { defineCall } from './call';
import { browser, seconds } from './fields';
import { newSession, toStartInput } from './start-calls';
import { toHandedOffView } from './views';

/** As many as fit into an input, with what browsers say of themselves. */
const MAX_SESSIONS = 50;

const { expires_in: _, guest_session_id: __, ...start } = newSession;
const session = v.strictObject({
  ...start,
  token_sha256: v.pipe(v.string(), v.regex(/^[\w-]{43}$/, 'must be a SHA-256 in base64url')),
  expires_at: v.nullish(seconds),
});

export const importSessions = defineCall(
  'import_sessions',
  v.strictObject({ sessions: v.pipe(v.array(session), v.minLength(1), v.maxLength(MAX_SESSIONS)) }),
  async (caller, service, { sessions }) => {
    const brought = sessions.map(({ token_sha256: tokenHash, expires_at = null, ...input }) => ({
      ...toStartInput(input, null),
      tokenHash,
      expiresAt: expires_at,
    }));
    const done = await imports.importSessions(caller, service, brought);
    return done.ok ? { ok: true, value: { sessions: done.sessions }, outcome: 'imported' } : done;
  },
);

/** Instead of tokens, the answer holds a URL that puts them into a browser. */
export const handOffImported = defineCall(
  'create_sessions',
  v.strictObject({ token: v.string(), client_id: v.optional(v.string()), browser }),
  async (caller, service, { token, client_id: clientId = null, browser: { return_url } }) => {
    const input = { token, clientId, returnUrl: return_url };
    const handedOff = await handingOff.handOffImported(caller, service, input);
    if (!handedOff.ok) return handedOff;
    const value = toHandedOffView(handedOff.session, handedOff.handOff, service.config);
    return { ok: true, value, outcome: 'handed_off' };
  },
);

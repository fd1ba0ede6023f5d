/**
 * Hand-off codes: how a session that a backend started gets into a browser's cookies. A code is
 * stateless: its content is sealed in it (AES-256-GCM), and is good for a minute. The database
 * makes it good only once: the exchange takes the session's first secret out of use
 * (sessions/exchange-handoff.ts). jose's `EncryptJWT` is not used, because it would be another
 * format than the codes of the release before have, and bring all of JWE into the Worker.
 */
import { isCanonicalBase64url } from '../client/verify/compact-jws';
import { decrypt, eachTrustedSecret, encrypt, type Keyring } from '../crypto';

export const HANDOFF_SECONDS = 60;
/** Bounds what is decrypted of a code that anyone may send. */
const MAX_LENGTH = 8192;
const AAD = 'handoff';

export interface Handoff {
  sessionId: string;
  home: string;
  clientId: string;
  /** The session's first secret. */
  secret: string;
  returnUrl: string;
  /**
   * The backend that started the session, for the event that the exchange writes. Codes of the
   * release before have none: that release wrote the event when it created the session.
   */
  startedBy?: string;
  /**
   * The authentication of a step-up: the code starts no session, and gives this authentication to
   * the session that the browser has.
   */
  authentication?: {
    /** Seconds since 1970. */
    authTime: number;
    amr: string[] | null;
    acr: string | null;
  };
}

/** The content of an authentic code, which may have expired. */
export interface OpenedHandoff extends Handoff {
  isExpired: boolean;
}

/** Seals a code that is good for `HANDOFF_SECONDS` from `now` (ms). */
export async function sealHandoff(
  { current }: Keyring,
  handoff: Handoff,
  now: number,
): Promise<string> {
  const expiresAt = now + HANDOFF_SECONDS * 1000;
  const plain = new TextEncoder().encode(JSON.stringify({ ...handoff, expiresAt }));
  return `${current.id}.${await encrypt(current.handoff, plain, AAD)}`;
}

/**
 * Opens a code, and says whether it has expired at `now` (ms); null when it is not ours or was
 * changed.
 */
export async function openHandoff(
  keyring: Keyring,
  code: string,
  now: number,
): Promise<OpenedHandoff | null> {
  const [, keyId, sealed] =
    /^([\w-]{1,32})\.([\w-]{40,})$/.exec(code.length > MAX_LENGTH ? '' : code) ?? [];
  // A code says where the browser is sent, so a secret that leaked opens none.
  const keys = eachTrustedSecret(keyring).find(({ id }) => id === keyId);
  if (keys === undefined || sealed === undefined || !isCanonicalBase64url(sealed)) return null;
  let plain: Uint8Array;
  try {
    plain = await decrypt(keys.handoff, sealed, AAD);
  } catch {
    return null;
  }
  const { expiresAt, ...handoff } = JSON.parse(new TextDecoder().decode(plain)) as Handoff & {
    expiresAt: number;
  };
  return { ...handoff, isExpired: expiresAt <= now };
}

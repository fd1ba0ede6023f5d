/** People of OpenID providers: issuer and subject are one user, whoever asks first and however many at once. */
import { and, eq } from 'drizzle-orm';
import { base64url } from 'jose';
import { sha256 } from '../crypto';
import { type Home, transact } from '../db/homes';
import { usedAssertions, users } from '../db/schema';

/** Who the user is to the issuer. */
export interface IssuedName {
  issuer: string;
  subject: string;
}

/**
 * The id of a user who is seen for the first time: it follows from the issuer and the subject (a UUID version 8, RFC 9562 §5.8), so that
 * first sign-ins at once in several homes are of one user.
 */
export async function toUserId({ issuer, subject }: IssuedName): Promise<string> {
  const bytes = base64url.decode(await sha256(JSON.stringify([issuer, subject]))).slice(0, 16);
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const variant = '89ab'[(bytes[8] as number) & 3];
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
}

/** The user's id, made on first sight. One round trip. */
export async function findOrCreateUser(home: Home, { issuer, subject }: IssuedName, now: number): Promise<string> {
  const { db } = home;
  const id = await toUserId({ issuer, subject });
  const [, found] = await transact(
    home,
    () =>
      [
        db
          .insert(users)
          .values({ id, issuer, subject, createdAt: new Date(now) })
          .onConflictDoNothing(),
        db
          .select({ id: users.id })
          .from(users)
          .where(and(eq(users.issuer, issuer), eq(users.subject, subject))),
      ] as const,
  );
  const [user] = found;
  if (user === undefined) throw new Error('the user was erased at this very moment');
  return user.id;
}

/** Uses an ID token up, where the home of its user is not the one that would (RFC 7523 §3). False: it was used before. One round trip. */
export async function claimAssertion(
  home: Home,
  { hash, expiresAt }: { hash: string; expiresAt: Date },
): Promise<boolean> {
  const [claimed] = await transact(
    home,
    () => [home.db.insert(usedAssertions).values({ hash, expiresAt }).onConflictDoNothing().returning()] as const,
  );
  return claimed.length > 0;
}

/** People of OpenID providers: issuer and subject are one user, whoever asks first and however many at once. */
import { and, eq } from 'drizzle-orm';
import { type Home, transact } from '../db/homes';
import { users } from '../db/schema';

/** The user's id, made on first sight. One round trip. */
export async function findOrCreateUser(
  home: Home,
  { issuer, subject }: { issuer: string; subject: string },
  now: number,
): Promise<string> {
  const { db } = home;
  const [, found] = await transact(
    home,
    () =>
      [
        db
          .insert(users)
          .values({ id: crypto.randomUUID(), issuer, subject, createdAt: new Date(now) })
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

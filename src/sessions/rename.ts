/** A person gives one of their devices a name. */
import { and, eq, isNull } from 'drizzle-orm';
import { type Home, transact } from '../db/d1';
import { userSessions } from '../db/schema';
import { belongsTo, type SessionOwner } from './may-end';
import { MOVED, type Moved, selectSession } from './session';

/** null takes the name away. Someone else's session is not found, as one that is over. */
export async function renameSession(
  home: Home,
  owner: SessionOwner,
  sessionId: string,
  label: string | null,
): Promise<boolean | Moved> {
  const isTheirs = and(eq(userSessions.id, sessionId), belongsTo(owner));
  const isHere = and(isNull(userSessions.revokedAt), isNull(userSessions.movedTo));
  const { own, renamed } = await transact(home, () => ({
    own: selectSession(home, owner.sessionId),
    renamed: home.db
      .update(userSessions)
      .set({ label })
      .where(and(isTheirs, isHere))
      .returning({ id: userSessions.id }),
  }));
  return own[0]?.movedTo == null ? renamed.length > 0 : MOVED;
}

/**
 * The external subject: where a client names an issuer, `sub` of its access tokens is that issuer's
 * name of the person. An API that keeps its rows by `sub` must meet one name of a person, and no
 * name of two. So a person whom the issuer does not know begins no session of such a client, and
 * neither does one whose subject could be read as the id of a user.
 */
import type { Client } from '../config/clients';
import type { Config } from '../config/config';
import type { Home } from '../db/d1';
import type { NewSession } from '../sessions/new-session';
import { findIssuedName, type IssuedName } from '../sessions/people';
import type { Session } from '../sessions/session';
import { invalid, type Result } from './refusal';
import type { Service } from './service';

/** A UUID, in each form that programs read as one (RFC 9562 §4; PostgreSQL's `uuid`). */
const readsAsUuid = (text: string) =>
  /^[\da-f]{32}$/i.test(text.replace(/^\W*urn:uuid:|[^\da-z]/gi, ''));

/** Whether a person whom an issuer calls so can have sessions of the client. */
export function isNamedFor(client: Client | undefined, name: IssuedName | null): boolean {
  const issuer = client?.subjectIssuer ?? null;
  return issuer === null || (name?.issuer === issuer && !readsAsUuid(name.subject));
}

/** Adds the person's name at the issuer to the session, where its client names an issuer. */
export async function withSubject(
  { config }: Service,
  home: Home,
  session: NewSession,
  name: IssuedName | null,
): Promise<Result<{ session: NewSession & { externalSubject: string | null } }>> {
  const { userId, clientId } = session;
  const client = config.clients.get(clientId);
  if (!client?.subjectIssuer || userId === null)
    return { ok: true, session: { ...session, externalSubject: null } };
  const known = name ?? (await findIssuedName(home, userId));
  if (known === null || !isNamedFor(client, known))
    return invalid(
      `client_id is for people with a subject at ${client.subjectIssuer} that is no UUID`,
    );
  const named = { issuedName: known, externalSubject: known.subject };
  return { ok: true, session: { ...session, ...named } };
}

/** null: the session's client names people by `user_id`, or did so when the session began. */
export function subjectOf({ clients }: Config, session: Session): string | null {
  const [issuer, subject] = JSON.parse(session.issuedName ?? '[]') as [string?, string?];
  const isNamed =
    issuer !== undefined && issuer === clients.get(session.clientId ?? '')?.subjectIssuer;
  return isNamed ? (subject ?? null) : null;
}

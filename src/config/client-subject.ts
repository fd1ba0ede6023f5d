/** The meaning of `sub` in a client's access tokens (service/external-subject.ts). */
import * as v from 'valibot';
import type { Audiences } from './audiences';

export const subjectEntry = {
  subject: v.optional(
    v.union([v.literal('user_id'), v.strictObject({ external: v.pipe(v.string(), v.url()) })]),
  ),
};

interface Entry {
  client_id: string;
  allow?: readonly string[] | undefined;
  for_clients?: readonly string[] | undefined;
  serves?: readonly string[] | undefined;
  audiences?: readonly string[] | undefined;
  subject?: v.InferOutput<typeof subjectEntry.subject>;
}

/** The issuer whose subject `sub` is; null: `sub` is the user's id. */
export const subjectIssuerOf = ({ subject }: Entry): string | null =>
  typeof subject === 'object' ? subject.external : null;

/** Two issuers may call two people the same, and an API that meets both could not tell. */
export function assertOneNaming(
  entry: Entry,
  entries: readonly Entry[],
  { audiences }: Audiences,
  problem: (text: string) => void,
): void {
  const issuer = subjectIssuerOf(entry);
  const namesOf = (of: Entry) => of.audiences ?? audiences;
  /**
   * The APIs that an entry's tokens reach, also by being exchanged in turn (RFC 8693): all of them
   * meet the same `sub`.
   */
  const apisOf = (of: Entry) => {
    const met = new Set([of]);
    for (const one of met)
      for (const api of entries)
        if (
          api.allow?.includes('exchange') &&
          (api.for_clients ?? [api.client_id]).includes(one.client_id) &&
          (api.serves ?? audiences).some((name) => namesOf(one).includes(name))
        )
          met.add(api);
    return [...met].flatMap(namesOf);
  };
  for (const other of entries) {
    const theirs = subjectIssuerOf(other);
    const isShared = () =>
      apisOf(other).some((name) => audiences.includes(name) && apisOf(entry).includes(name));
    if (issuer !== null && theirs !== null && theirs !== issuer && isShared())
      problem(
        `subject is of another issuer than that of ${other.client_id}, for the same audience`,
      );
  }
}

/** What `sub` of a client's access tokens is (service/external-subject.ts). */
import * as v from 'valibot';
import type { Audiences } from './audiences';

export const subjectEntry = {
  subject: v.optional(
    v.union([v.literal('user_id'), v.strictObject({ external: v.pipe(v.string(), v.url()) })]),
  ),
};

interface Entry {
  client_id: string;
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
  const apisOf = (of: Entry) => of.audiences ?? audiences;
  for (const other of entries) {
    const theirs = subjectIssuerOf(other);
    const isShared = apisOf(other).some(
      (name) => audiences.includes(name) && apisOf(entry).includes(name),
    );
    if (issuer !== null && theirs !== null && theirs !== issuer && isShared)
      problem(
        `subject is of another issuer than that of ${other.client_id}, for the same audience`,
      );
  }
}

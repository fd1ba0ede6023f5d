/** Settings that are a JSON array. */
import * as v from 'valibot';
import { findRepeatedMember } from '../repeated-member';

/** A text, or a list of one or two: the second while one replaces the other. */
export const oneOrTwo = v.union([
  v.pipe(
    v.string(),
    v.transform((text) => [text]),
  ),
  v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(2)),
]);

/** A JSON array of this schema; what is wrong with it goes to `mistakes`. */
export function parseList<T extends v.GenericSchema<unknown, unknown[]>>(
  name: string,
  schema: T,
  text: string | undefined,
  mistakes: string[],
): v.InferOutput<T> | [] {
  let json: unknown;
  try {
    json = JSON.parse(text || '[]');
  } catch {
    mistakes.push(`${name} is not JSON`);
    return [];
  }
  const repeated = findRepeatedMember(text || '[]');
  if (repeated !== null) mistakes.push(`${name}: an object has ${JSON.stringify(repeated)} twice`);
  const parsed = v.safeParse(schema, json);
  if (parsed.success) return parsed.output;
  for (const issue of parsed.issues)
    mistakes.push(
      `${name}: ${v.getDotPath(issue) ?? 'value'}: ${issue.kind === 'schema' ? `expected ${issue.expected}` : issue.message}`,
    );
  return [];
}

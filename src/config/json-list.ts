/** Settings that are JSON, most of them arrays. */
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
  return parseJsonOf(name, schema, text || '[]', mistakes) ?? [];
}

/** JSON of this schema; null where something is wrong with it. */
export function parseJsonOf<T extends v.GenericSchema>(
  name: string,
  schema: T,
  text: string,
  mistakes: string[],
): v.InferOutput<T> | null {
  const json = parseJsonText(name, text, mistakes);
  if (json === undefined) return null;
  const repeated = findRepeatedMember(text);
  if (repeated !== null) mistakes.push(`${name}: an object has ${JSON.stringify(repeated)} twice`);
  const parsed = v.safeParse(schema, json);
  if (parsed.success) return parsed.output;
  for (const issue of parsed.issues)
    mistakes.push(`${name}: ${v.getDotPath(issue) ?? 'value'}: ${explain(issue)}`);
  return null;
}

/** An item of a list, whatever it is, and what is wrong with it as JSON. */
export interface ListItem {
  value: unknown;
  /** The name of a member that it has twice; null: none. */
  repeated: string | null;
}

/** The items of a JSON array, each by itself; none where it is no array, which is a mistake. */
export function parseItems(
  name: string,
  text: string | undefined,
  mistakes: string[],
): readonly ListItem[] {
  const json = parseJsonText(name, text || '[]', mistakes);
  if (json === undefined) return [];
  if (!Array.isArray(json)) {
    mistakes.push(`${name}: value: expected Array`);
    return [];
  }
  const texts = splitArray(text || '[]');
  return json.map((value, index) => ({ value, repeated: findRepeatedMember(texts[index] ?? '') }));
}

/** The mistakes of an item of this place, each with its path. */
export function spellIssues(place: string, issues: readonly v.BaseIssue<unknown>[]): string[] {
  return issues.map((issue) => {
    const path = v.getDotPath(issue);
    return `${place}${path === null ? '' : `.${path}`}: ${explain(issue)}`;
  });
}

const explain = (issue: v.BaseIssue<unknown>) =>
  issue.kind === 'schema' ? `expected ${issue.expected}` : issue.message;

/** undefined: it is none, which is a mistake. */
function parseJsonText(name: string, text: string, mistakes: string[]): unknown {
  try {
    return JSON.parse(text);
  } catch {
    mistakes.push(`${name} is not JSON`);
    return undefined;
  }
}

/** The items of a valid JSON array, as they are written. */
function splitArray(json: string): string[] {
  const items: string[] = [];
  let depth = 0;
  let start = 0;
  for (const { 0: token, index } of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],]/g)) {
    if (token === '{' || token === '[') depth += 1;
    if (token === '[' && depth === 1) start = index + 1;
    if (token === '}' || token === ']') depth -= 1;
    if (depth === 0 || (depth === 1 && token === ',')) {
      items.push(json.slice(start, index));
      start = index + 1;
    }
  }
  return items;
}

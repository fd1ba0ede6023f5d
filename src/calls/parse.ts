/** Checking what callers send: strictly, with a clear refusal, and before any database is asked. */
import * as v from 'valibot';
import { type FieldError, type Result, refuse } from '../service/refusal';

/** The longest body of a request, and input of a call as JSON. */
export const MAX_INPUT_BYTES = 16 * 1024;

/** The value of a JSON text; null for what is none, or has a text in it that no column can hold. */
export function parseJsonInput(text: string): { json: unknown } | null {
  try {
    const json: unknown = JSON.parse(text, (key, value) => {
      if (!isCleanText(key) || (typeof value === 'string' && !isCleanText(value)))
        throw new SyntaxError();
      return value;
    });
    return { json };
  } catch {
    return null;
  }
}

function isCleanText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

/** The value as the schema has it; or a refusal that names every field at fault. */
export function parseInput<T extends v.GenericSchema>(
  schema: T,
  value: unknown,
): Result<{ input: v.InferOutput<T> }> {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return { ok: true, input: parsed.output };
  const errors: FieldError[] = parsed.issues.map((issue) => ({
    field: toFieldName(v.getDotPath(issue)),
    message: explain(issue),
  }));
  const detail = errors.map(({ field, message }) => `${field} ${message}`.trim()).join('; ');
  return refuse({ code: 'invalid_request', detail, errors });
}

/**
 * A field's name, unless it is so odd that it may be a value in the wrong place, which an answer
 * must not repeat.
 */
function toFieldName(path: string | null): string {
  return path !== null && /^[\w.-]{1,40}$/.test(path) ? path : '';
}

function explain(issue: v.BaseIssue<unknown>): string {
  if (issue.type === 'strict_object' && issue.expected !== 'Object')
    return issue.expected === 'never' ? 'is not a known field' : 'is missing';
  if (issue.type === 'strict_object') return 'must be an object';
  return issue.kind === 'schema' && issue.message.startsWith('Invalid')
    ? `must be of type ${issue.expected}`
    : issue.message;
}

/** `wrangler.jsonc`: JSON with comments, and commas behind the last member. */
import { applyEdits, modify, type ParseError, parse, printParseErrorCode } from 'jsonc-parser';
import type { SettingPath } from './setting-path.ts';

/** Throws with the line of the first mistake. */
export function parseJsonc(text: string): unknown {
  const mistakes: ParseError[] = [];
  const value: unknown = parse(text, mistakes, { allowTrailingComma: true });
  const [mistake] = mistakes;
  if (mistake === undefined) return value;
  const line = text.slice(0, mistake.offset).split('\n').length;
  throw new Error(`${printParseErrorCode(mistake.error)} in line ${line}`);
}

/** The text with one more value, or another one, and all else as it is. */
export function withJsoncValue(
  text: string,
  path: SettingPath,
  value: string,
  after?: string,
): string {
  const [, indent = '  '] = /^([ \t]+)\S/m.exec(text) ?? [];
  const edits = modify(text, [...path], value, {
    formattingOptions: {
      insertSpaces: !indent.startsWith('\t'),
      tabSize: indent.startsWith('\t') ? 1 : indent.length,
      eol: text.includes('\r\n') ? '\r\n' : '\n',
    },
    ...(after !== undefined && {
      getInsertionIndex: (members: string[]) =>
        members.includes(after) ? members.indexOf(after) + 1 : members.length,
    }),
  });
  return applyEdits(text, edits);
}

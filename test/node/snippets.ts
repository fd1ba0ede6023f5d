/** The code in the pages for people. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

export interface Snippet {
  /** Page and line, to find it by. */
  place: string;
  language: string;
  text: string;
}

/** The fenced blocks of a page, in their order. */
export function readSnippets(page: string, heading?: string): Snippet[] {
  const whole = readFileSync(join(ROOT, page), 'utf8');
  const start = heading === undefined ? 0 : whole.indexOf(`\n## ${heading}\n`);
  if (start === -1) throw new Error(`${page} has no heading "${heading}"`);
  const end = heading === undefined ? -1 : whole.indexOf('\n## ', start + 1);
  const section = whole.slice(start, end === -1 ? undefined : end);
  return [...section.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map((match) => ({
    place: `${page}:${whole.slice(0, start + match.index).split('\n').length}`,
    language: match[1] ?? '',
    text: match[2] ?? '',
  }));
}

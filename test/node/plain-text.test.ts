/** What others wrote is shown in a terminal as text, and does nothing there. */
import { describe, expect, it } from 'vitest';
import { toPlainJson, toPlainLine, toPlainText } from '../../src/cli/plain-text.ts';
import { toTable } from '../../src/cli/table.ts';

const HARMFUL: [string, string][] = [
  ['a colour', '\u001b[31m'],
  ['a title of the window', '\u001b]0;gone\u0007'],
  ['a question that the terminal answers', '\u001b[6n'],
  ['the same in one character', '\u009b6n'],
  ['a way back to the beginning of the line', '\r'],
  ['one that deletes', '\u007f\b'],
  ['a turn of the direction', '\u202e'],
];
const harm = /(?!\n)\p{Cc}|\p{Bidi_Control}/u;

describe.each(HARMFUL)('%s', (_, characters) => {
  const text = `Chrome${characters} on Linux`;

  it('is no part of a text, a line or a cell', () => {
    const cells = toTable([{ device: text, regions: [text] }]);
    for (const shown of [toPlainText(text), toPlainLine(text), cells]) {
      expect(shown).not.toMatch(harm);
      expect(shown).toContain('on Linux');
    }
  });

  it('is written out in JSON, which says the same', () => {
    const json = toPlainJson(JSON.stringify({ device: text }));
    expect(json).not.toMatch(harm);
    expect(JSON.parse(json)).toEqual({ device: text });
  });
});

it('lines stay lines, but in a cell', () => {
  expect(toPlainText('a\nb')).toBe('a\nb');
  expect(toTable([{ a: 'x\ny' }])).toBe('A\nx y');
});

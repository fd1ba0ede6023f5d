/** The two lists of Bowser that are asked by themselves say what its own parser says. */
import Bowser from 'bowser';
import { expect, it } from 'vitest';
import { findBrowser, findSystem } from '../../src/risk/bowser';

const { './user-agents.txt': userAgents = '' } = import.meta.glob('./*.txt', {
  query: '?raw',
  eager: true,
  import: 'default',
});

it('finds the browsers and systems that Bowser’s own parser finds, of all user agents that are known here', () => {
  const lines = userAgents
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  expect(lines.length).toBeGreaterThan(100);
  for (const line of [...lines, ' ', 'x/1']) {
    const { browser, os } = Bowser.parse(line);
    expect([line, findBrowser(line), findSystem(line)]).toEqual([line, browser, os]);
  }
});

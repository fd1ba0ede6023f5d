/** docs/browsers-tried.md, made of what the trials found. */
import type { Engine } from './engine.ts';

export interface Cell {
  isGood: boolean;
  text: string;
}
/** By the name of the trial, then in the order of the engines. */
export type Results = Map<string, Cell[]>;

export function toPage(
  engines: Engine[],
  { client, page, demo }: Record<'client' | 'page' | 'demo', Results>,
): string {
  const heads = engines.map(({ name, version }) => `${name} ${version}`);
  return `# Browsers that were tried

Made by \`npm run browsers\` (which needs Debian’s chromium, firefox-esr, webkit2gtk-driver and xvfb): change nothing here. It runs what follows in each browser, over real host names and https (an app at \`app.\`, the service at \`auth.\`), by each browser's own protocol for automation; WebKit is WebKitGTK, the engine of Safari. **Bold** is what is not as it should be.

## The client for apps

What goes wrong around it, in [each mode](arrangements.md). \`1 of 2\` are the refreshes that it cost, of those that it may cost.

${toTable(['fault', 'mode', ...heads], client)}

## The page for people

${toTable(['', ...heads], page)}

## On your machine

${toTable(['', ...heads], demo)}
`;
}

function toTable(heads: string[], results: Results): string {
  const rows = [...results].map(([name, cells]) => [
    name,
    ...cells.map(({ isGood, text }) => (isGood ? text : `**${text.replaceAll('|', '\\|')}**`)),
  ]);
  const lines = [heads, heads.map(() => '---'), ...rows];
  return lines.map((line) => `| ${line.join(' | ')} |`).join('\n');
}

/** The tour in README.md: every command is run, and answers as the page says. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type Service, startService } from './service.ts';
import { readSnippets, type Snippet } from './snippets.ts';

const MARK = '=== next ===';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service?.stop());

/** Commands, each with the sample of an answer that follows it on the page. */
function readTour(): { command: Snippet; sample: Snippet | undefined }[] {
  const snippets = readSnippets('README.md', 'A tour');
  return snippets.flatMap((command, index) => {
    if (command.language !== 'sh') return [];
    const next = snippets[index + 1];
    return [{ command, sample: next?.language === 'sh' ? undefined : next }];
  });
}

/** What each command printed, all run in one shell as a reader would. */
function runInOneShell(commands: readonly string[]): string[] {
  const script = join(service.devVarsFile, '../tour.sh');
  const lines = commands.map((command) =>
    command
      .replaceAll('localhost:8787', new URL(service.origin).host)
      .replaceAll('.dev.vars', service.devVarsFile),
  );
  writeFileSync(script, `set -euo pipefail\n${lines.join(`\necho '${MARK}'\n`)}`);
  return execFileSync('bash', [script], { encoding: 'utf8' }).split(`${MARK}\n`);
}

const namesIn = (json: string) =>
  [...new Set([...json.matchAll(/"(\w+)":/g)].map(([, name]) => name))].sort();

it('every command is run, and answers as the page says', async () => {
  const tour = readTour();
  const printed = runInOneShell(tour.map(({ command }) => command.text));
  expect(printed).toHaveLength(tour.length);
  expect(tour.filter(({ sample }) => sample).length).toBeGreaterThan(5);
  for (const [index, { command, sample }] of tour.entries()) {
    if (sample === undefined) continue;
    const isCron = command.text.includes('/handler/scheduled');
    // Of the cron the page shows the line in the other terminal.
    const answer = isCron ? await findLine('"event":"scheduled"') : (printed[index] ?? '');
    // An ellipsis after a member or between them stands for others.
    const isWhole = !/[\],}]…|…[\],}]/.test(sample.text);
    const names = namesIn(answer);
    const expected = namesIn(sample.text);
    expect
      .soft({ place: sample.place, names: isWhole ? names : names.filter(isIn(expected)) })
      .toEqual({ place: sample.place, names: expected });
    // What is not JSON, or holds nothing that differs each time, is as printed.
    if (sample.language === '')
      expect.soft(answer.replaceAll('\r', '').trim()).toBe(sample.text.trim());
  }
});

const isIn = (list: unknown[]) => (name: unknown) => list.includes(name);

/** A line of the log, which comes a little later than the answer. */
function findLine(text: string): Promise<string> {
  return vi.waitFor(
    () => {
      const line = service
        .output()
        .split('\n')
        .find((each) => each.includes(text));
      if (line === undefined) throw new Error(`no ${text} in:\n${service.output()}`);
      return line;
    },
    { timeout: 60_000 },
  );
}

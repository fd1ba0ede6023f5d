/**
 * `npm run browsers`: the client for apps and the page for people in Chromium, Firefox and WebKit,
 * over real host names and https, and what came of it, into docs/browsers-tried.md. By hand: it
 * needs Debian's chromium, firefox-esr, webkit2gtk-driver and xvfb, and root. Options: --only NAME
 * (of a browser; repeatable; writes nothing), --fault TEXT (in the names of
 * the client's faults; writes nothing, and tries nothing else), --print (writes nothing).
 */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Engine, Profile } from './engine.ts';
import { startChromium } from './engine-chromium.ts';
import { startFirefox } from './engine-firefox.ts';
import { startWebKit } from './engine-webkit.ts';
import { IN_OWN_HOSTS, runWithHosts } from './own-hosts.ts';
import { type Cell, type Results, toPage } from './page-of-results.ts';
import { MODES, TRIALS, tryOut } from './trials-client.ts';
import { PAGE_TRIALS } from './trials-page.ts';
import { startTrials } from './trials-start.ts';
import { startWorld } from './world.ts';

/** How long one trial may take. */
const TIMEOUT_MS = 90_000;
const PAGE = resolve(import.meta.dirname, '../../docs/browsers-tried.md');
const ENGINES = { chromium: startChromium, firefox: startFirefox, webkit: startWebKit };

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: Object.keys(ENGINES) },
    print: { type: 'boolean', default: false },
    fault: { type: 'string', default: '' },
  },
});
if (process.env[IN_OWN_HOSTS] === undefined) process.exit(runWithHosts());
const names = values.only as (keyof typeof ENGINES)[];
const world = await startWorld();
const starts = await startTrials();
const engines: Engine[] = [];
try {
  for (const name of names) engines.push(await ENGINES[name]());
  const client: Results = new Map();
  const page: Results = new Map();
  const demo: Results = new Map();
  for (const engine of engines) {
    for (const trial of TRIALS.filter(({ fault }) => fault.includes(values.fault)))
      for (const mode of trial.modes ?? MODES)
        await note(client, `${trial.fault} | ${mode}`, engine, (profile) =>
          tryOut(world, trial, mode, profile),
        );
    if (values.fault !== '') continue;
    for (const { what, run } of PAGE_TRIALS)
      await note(page, what, engine, async (profile) => {
        const wrong = await run(world, profile);
        return { isGood: wrong === undefined, text: wrong ?? 'yes' };
      });
    for (const { what, run } of starts) await note(demo, what, engine, run);
  }
  const text = toPage(engines, { client, page, demo });
  console.log(text);
  const isWhole =
    names.length === Object.keys(ENGINES).length && !values.print && values.fault === '';
  if (isWhole) writeFileSync(PAGE, text);
  const cells = [client, page, demo].flatMap((results) => [...results.values()].flat());
  process.exitCode = cells.every(({ isGood }) => isGood) ? 0 : 1;
} finally {
  for (const engine of engines) await engine.close();
  for (const { stop } of starts) await stop();
  await world.stop();
}

/** One trial in a browser without a past; what it throws is its result. */
async function note(
  results: Results,
  name: string,
  engine: Engine,
  run: (profile: Profile) => Promise<Cell>,
): Promise<void> {
  const cell = await inProfile(engine, run).catch((error) => ({
    isGood: false,
    text: error instanceof Error ? error.message : String(error),
  }));
  console.error(`${cell.isGood ? 'good' : 'BAD '} ${engine.name}: ${name}: ${cell.text}`);
  results.set(name, [...(results.get(name) ?? []), cell]);
}

async function inProfile(engine: Engine, run: (profile: Profile) => Promise<Cell>): Promise<Cell> {
  const profile = await engine.openProfile();
  try {
    return await inTime(run(profile));
  } finally {
    await profile.close();
  }
}

function inTime<T>(work: Promise<T>): Promise<T> {
  return new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error('does not end')), TIMEOUT_MS);
    work.then(done, fail).finally(() => clearTimeout(timer));
  });
}

/**
 * Any request that the OpenAPI document can be read as: no fault, nothing that the document does
 * not have, and no token, hash or stack in an answer or the log. `FUZZ_RUNS` says how many, and
 * `FUZZ_SEED` repeats a failure:
 * `FUZZ_RUNS=20000 npx vitest run --project workers test/openapi/fuzz`.
 */
import { env } from 'cloudflare:test';
import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { type Drawn, drawRequest } from './draw';
import { findLeak, readHashes } from './leaks';
import { toRequest } from './send';
import { learn, openWorld, replenish } from './world';

const RUNS = Number(env.FUZZ_RUNS);

it(`${RUNS} requests find no fault, nothing undocumented, and no leak`, {
  timeout: 3_600_000,
}, async () => {
  const world = await openWorld();
  const logged: string[] = [];
  for (const level of ['log', 'info', 'warn', 'error', 'debug'] as const)
    vi.spyOn(console, level).mockImplementation((...said) => {
      logged.push(said.join(' '));
    });
  const statuses = new Map<string, number>();
  let run = 0;
  let hashes = new Set<string>();
  const ask = async (drawn: Drawn) => {
    if (run % 20 === 0) {
      await replenish(world);
      hashes = await readHashes();
      logged.length = 0;
    }
    run += 1;
    world.service.advance(drawn.after);
    const request = toRequest(world, drawn, run);
    // What the fixture gives has been held to the document.
    const answer = await world.service.app.request(request);
    const text = await answer.text();
    const key = `${drawn.id} ${answer.status}`;
    statuses.set(key, (statuses.get(key) ?? 0) + 1);
    expect(answer.status, `${key}: ${text}`).toBeLessThan(500);
    expect(findLeak(withoutOwnAddress(text, request), hashes), key).toBeNull();
    expect(
      findLeak(logged.splice(0).join('\n'), [...hashes, ...sentSecrets(request)]),
      `${key}: log`,
    ).toBeNull();
    if (answer.headers.get('content-type')?.includes('json')) learn(world.pool, JSON.parse(text));
  };
  await fc.assert(fc.asyncProperty(drawRequest, ask), {
    numRuns: RUNS,
    endOnFailure: true,
    seed: env.FUZZ_SEED === '' ? 20260101 : Number(env.FUZZ_SEED),
  });
  vi.restoreAllMocks();
  // Requests that all fail at the first check would find nothing.
  const succeeded = new Set(
    [...statuses.keys()].filter((key) => / [23]\d\d$/.test(key)).map((key) => key.split(' ')[0]),
  );
  expect(succeeded.size).toBeGreaterThan(40);
});

/**
 * A page leads to itself, in another language or once more, by the address that it was asked at.
 */
function withoutOwnAddress(text: string, request: Request): string {
  const own = [...new URL(request.url).searchParams.values()].filter((value) => value.length > 8);
  return own.reduce((rest, value) => rest.replaceAll(value, ''), text);
}

/** Credentials and cookies of a request. */
function sentSecrets(request: Request): string[] {
  return ['authorization', 'cookie', 'x-gateway-authorization'].flatMap((name) => {
    const value = request.headers.get(name);
    return value === null || value.length < 12 ? [] : [value];
  });
}

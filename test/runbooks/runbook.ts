/** What docs/runbooks.md shows: its tests carry out its commands, and compare its log lines. */
import { expect } from 'vitest';
import type { TestService } from '../fixtures';

const [page = ''] = Object.values(
  import.meta.glob('../../docs/runbooks.md', { query: '?raw', eager: true, import: 'default' }),
);

export interface Runbook {
  /** Those that are not for Cloudflare, in their order. */
  commands: string[];
  /** Log lines, and answers, in their order. */
  shown: Record<string, unknown>[];
}

/** A section of the page. */
export function runbook(title: string): Runbook {
  const section = page.split(/^## /m).find((text) => text.startsWith(`${title}\n`));
  if (section === undefined) throw new Error(`docs/runbooks.md has no "${title}"`);
  const blocks = [...section.matchAll(/^ *```(\w+)\n(.*?)^ *```$/gms)].map(
    ([, language, text]) => ({ language, text: (text as string).trim() }),
  );
  const of = (wanted: string) =>
    blocks.filter(({ language }) => language === wanted).map(({ text }) => text);
  return {
    commands: of('sh')
      .flatMap((text) => text.split('\n').map((line) => line.trim()))
      .filter((line) => !line.startsWith('npx wrangler ')),
    shown: of('json').map((text) => JSON.parse(text)),
  };
}

/** A pattern of what the page shows: "…" stands for anything, and there may be more members. */
export function like(shown: unknown): unknown {
  if (shown === '…') return expect.anything();
  if (Array.isArray(shown)) return shown.map(like);
  if (typeof shown !== 'object' || shown === null) return shown;
  const members = Object.entries(shown).map(([name, value]) => [name, like(value)]);
  return expect.objectContaining(Object.fromEntries(members));
}

/**
 * Carries out a command of the page, as the operator: what the scripts ask, and what curl does. The
 * commands themselves are run by test/node/runbooks.test.ts.
 */
export async function carryOut(
  service: TestService,
  command = '',
): Promise<Record<string, unknown>> {
  const { path, body } = toCall(service, command);
  const response = await service.request(path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { ...service.credentials, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  expect(response.status, command).toBe(200);
  return response.json();
}

interface Call {
  path: string;
  body?: object;
}

function toCall({ clock }: TestService, command: string): Call {
  const [, script, argument = ''] =
    /^npm run (homes|homes -- not-before|keys -- revoke)(?: (\w+))?$/.exec(command) ?? [];
  if (script === 'homes') return { path: '/v1/homes' };
  if (script === 'homes -- not-before') return { path: '/v1/not-before', body: { home: argument } };
  if (script === 'keys -- revoke' && argument === 'all')
    return {
      path: '/v1/signing-keys/revoke',
      body: { created_before: Math.floor(clock.now / 1000) },
    };
  const [, options = '', path] = /^curl -s (.*?)"?\$SERVICE_URL([^"]*)"?$/.exec(command) ?? [];
  if (path === undefined) throw new Error(`not a command of docs/runbooks.md: ${command}`);
  const [, body] = /-d '(.*?)'/.exec(options) ?? [];
  return { path, ...(body && { body: JSON.parse(body) }) };
}

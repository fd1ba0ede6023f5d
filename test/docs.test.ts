/**
 * What the pages list is what the source has: events, codes, capabilities, routes, settings, files.
 */
import { describe, expect, it } from 'vitest';
import document from '../assets/edge-sessions/openapi.json';
import { CAPABILITIES } from '../src/config/clients';
import {
  AUDIT_EVENT_TYPES,
  SESSION_EVENT_TYPES,
  sessionEventsThatAre,
} from '../src/config/event-types';
import { problem } from '../src/openapi/described-errors';
import { ACT_REASONS } from '../src/security-log/audit';
import { IDEMPOTENCY_SECONDS } from '../src/sessions/idempotency-age';

const pages: Record<string, string> = import.meta.glob('../{README.md,docs/*.md}', {
  query: '?raw',
  eager: true,
  import: 'default',
});
const configuration = pages['../docs/configuration.md'] ?? '';
const securityLog = pages['../docs/security-log.md'] ?? '';

const sources: Record<string, string> = import.meta.glob('../src/**/*.{ts,tsx}', {
  query: '?raw',
  eager: true,
  import: 'default',
});

/** The names in the first column of the tables of a part of a page. */
function listed(page: string, from: string, to: string): string[] {
  const part = page.slice(page.indexOf(from), page.indexOf(to, page.indexOf(from) + 1));
  return part
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) =>
      [...(line.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name as string),
    );
}

describe('docs/security-log.md', () => {
  it('lists the events of the security log', () => {
    expect(listed(securityLog, '## The log', '## The audit log').sort()).toEqual(
      [...SESSION_EVENT_TYPES].sort(),
    );
  });

  it('lists the events of the audit log, and the reasons that it takes', () => {
    expect(listed(securityLog, '## The audit log', '## Webhooks').sort()).toEqual(
      [...AUDIT_EVENT_TYPES].sort(),
    );
    for (const reason of ACT_REASONS) expect(securityLog).toContain(`\`${reason}\``);
  });
});

describe('what one file decides and others say', () => {
  const api = pages['../docs/api.md'] ?? '';

  it('docs/api.md names the reasons that a client is told, and those of sign-ins', () => {
    const others = problem.entries.reason.wrapped.options.filter(
      (reason) => !ACT_REASONS.some((given) => given === reason),
    );
    expect(others.length).toBeGreaterThan(10);
    expect(others.filter((reason) => !api.includes(`\`${reason}\``))).toEqual([]);
  });

  it('the command line names the reasons that a client gives', () => {
    const command = sources['../src/cli/commands/sessions-command.ts'] ?? '';
    expect(ACT_REASONS.filter((reason) => !command.includes(reason))).toEqual([]);
  });

  it('what is suspicious is the same to the service and to the console', () => {
    const view = sources['../src/console/stats-view.ts'] ?? '';
    const [, names = ''] = /SUSPICIOUS[^[]*\[(.*?)\]/s.exec(view) ?? [];
    const listed = [...names.matchAll(/'(\w+)'/g)].map(([, name]) => name as string);
    expect(listed.sort()).toEqual([...sessionEventsThatAre('suspicious')].sort());
  });

  it('an idempotency key is good for as long as the pages and types say', () => {
    const inHours = `within ${IDEMPOTENCY_SECONDS / 3_600} hours`;
    expect(api).toContain(`a repeat ${inHours}`);
    expect(sources['../src/client/rpc/inputs.ts']).toContain(inHours);
    expect(IDEMPOTENCY_SECONDS).toBe(86_400);
    expect(sources['../src/client/rpc/operator-answers.ts']).toContain('Keys older than a day');
    expect(pages['../docs/personal-data.md']).toContain(
      "a hash of your key and the session's id, for a day",
    );
  });
});

describe('docs/configuration.md', () => {
  it('has every setting', () => {
    const settings = [...(sources['../src/env.ts'] ?? '').matchAll(/^ {2}([A-Z0-9_]+)\??:/gm)].map(
      ([, name]) => name as string,
    );
    expect(settings).toContain('INACTIVITY_TIMEOUT_SECONDS');
    const text = Object.values(pages).join('\n');
    expect(settings.filter((name) => !text.includes(`\`${name}`))).toEqual([]);
  });

  it('lists the capabilities', () => {
    expect(listed(configuration, '| `allow` |', '```').slice(1).sort()).toEqual(
      [...CAPABILITIES].sort(),
    );
  });
});

describe('the pages', () => {
  const described = Object.entries(document.paths).flatMap(([path, calls]) =>
    Object.keys(calls).map((method) => `${method.toUpperCase()} ${path}`),
  );
  /** The calls that a text names: a method and a path without what a query has. */
  const named = (text: string) =>
    [...text.matchAll(/`(GET|POST|PATCH|PUT|DELETE) (\/[\w/.{}-]*)[?`]/g)].map(
      ([, method, path = '']) => `${method} ${path.replace('/by-subject/', '/{user_id}/')}`,
    );

  it('name no call of the service that the OpenAPI document does not have', () => {
    const { '../docs/upgrading.md': _, ...current } = pages;
    const own = Object.values(current)
      .flatMap(named)
      .filter((call) => / \/(v1|oauth|browser|account|\.well-known|healthz|verify)/.test(call));
    expect(own.length).toBeGreaterThan(100);
    expect([...new Set(own)].filter((call) => !described.includes(call))).toEqual([]);
  });

  it('list every call of the API that the OpenAPI document has', () => {
    const listed = Object.values(pages).flatMap(named);
    const ofApi = described.filter((call) => / \/(v1|oauth|browser)\//.test(call));
    expect(ofApi).toContain('GET /v1/audit-events');
    expect(ofApi.filter((call) => !listed.includes(call))).toEqual([]);
    const table = named(pages['../docs/api.md'] ?? '');
    const ofClients = described.filter((call) => / \/(v1|oauth)\//.test(call));
    expect(ofClients.filter((call) => !table.includes(call))).toEqual([]);
  });
});

describe('docs/api.md', () => {
  it('lists every code of a problem', () => {
    const [, table = ''] =
      /^export const PROBLEMS = \{$(.*?)^\} as const/ms.exec(
        sources['../src/http/errors.ts'] ?? '',
      ) ?? [];
    const codes = [...table.matchAll(/^ {2}(\w+):/gm)].map(([, code]) => code as string);
    expect(codes).toContain('session_limit_reached');
    const page = pages['../docs/api.md'] ?? '';
    expect(codes.filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
  });
});

describe('docs/architecture.md', () => {
  it('names files that there are', () => {
    const page = pages['../docs/architecture.md'] ?? '';
    const named = [...page.matchAll(/`([\w/.-]+\.tsx?)`/g)].map(([, name]) => name as string);
    expect(named.length).toBeGreaterThan(50);
    const paths = [...Object.keys(sources), '../test/counts.test.ts', '../test/db/faults.test.ts'];
    const missing = named.filter((name) => !paths.some((path) => path.endsWith(`/${name}`)));
    expect(missing.filter((name) => !name.startsWith('test/architecture'))).toEqual([]);
  });
});

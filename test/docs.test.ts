/**
 * What the pages list is what the source has: events, codes, capabilities, routes, settings, files.
 */
import { describe, expect, it } from 'vitest';
import { CAPABILITIES } from '../src/config/clients';
import { AUDIT_EVENT_TYPES, SESSION_EVENT_TYPES } from '../src/config/webhooks';
import { ACT_REASONS } from '../src/security-log/audit';
import { startService } from './fixtures';

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
  it('list the routes of the API', async () => {
    const { app } = await startService();
    const routes = app.routes
      .filter(({ method, path }) => method !== 'ALL' && /^\/(v1|oauth)\//.test(path))
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
    expect(routes).toContain('GET /v1/audit-events');
    const text = Object.values(pages).join('\n');
    expect([...new Set(routes)].filter((route) => !text.includes(route))).toEqual([]);
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

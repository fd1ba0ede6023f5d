/** What the pages list is what the source has: events, codes of errors, capabilities, routes. */
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

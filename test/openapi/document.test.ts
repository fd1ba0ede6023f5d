/** The OpenAPI document says what the service has: its routes, its codes, its fields. */
import { env } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { version } from '../../package.json';
import { PROBLEMS } from '../../src/http/errors';
import { toDocument } from '../../src/openapi/document';
import { ISSUER, startService } from '../fixtures';

const committed: Record<string, string> = import.meta.glob(
  '../../assets/edge-sessions/openapi.json',
  { query: '?raw', eager: true, import: 'default' },
);
const sources: Record<string, string> = import.meta.glob('../../src/http/errors.ts', {
  query: '?raw',
  eager: true,
  import: 'default',
});
const document = toDocument(version);

/** The values of `enum` and `const` of members of a name, wherever they stand. */
function valuesOf(part: unknown, name: string): string[] {
  if (typeof part !== 'object' || part === null) return [];
  const { properties = {} } = part as { properties?: Record<string, { enum?: string[] }> };
  return [
    ...(properties[name]?.enum ?? []),
    ...Object.values(part).flatMap((inner) => valuesOf(inner, name)),
  ];
}

describe('assets/edge-sessions/openapi.json', () => {
  it('is what the source describes; otherwise `npm run openapi` makes it anew', () => {
    expect(Object.values(committed)).toEqual([`${JSON.stringify(document, null, 2)}\n`]);
  });
});

describe('the document', () => {
  it('has every route of the service, and no other', async () => {
    const { app } = await startService();
    const routes = app.routes
      .filter(({ method, path, handler }) => {
        const isOfNoCall = method === 'OPTIONS' || path.endsWith('/*') || path === '*';
        return !isOfNoCall && (method !== 'ALL' || handler.name === '') && path !== '';
      })
      .map(({ method, path }) => {
        const plain = path.replaceAll(/:(\w+)(\{[^}]*\})?/g, '{$1}');
        // The document has one of its methods.
        return `${method === 'ALL' ? 'GET' : method} ${plain}`;
      });
    const described = Object.entries(document.paths).flatMap(([path, calls]) =>
      Object.keys(calls).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described).toContain('GET /v1/audit-events');
    expect([...new Set(routes)].sort()).toEqual(described.sort());
  });

  it('names each call once', () => {
    const ids = Object.values(document.paths).flatMap((calls) =>
      Object.values(calls).map(({ operationId }) => operationId),
    );
    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
  });

  it('has every code of a problem in an answer of some call, and no other', () => {
    const codes = new Set(valuesOf(document.components.responses, 'code'));
    expect([...codes].sort()).toEqual(Object.keys(PROBLEMS).sort());
  });

  it('has every code of an OAuth error in an answer of some call, and no other', () => {
    const [, union = ''] =
      /^export type OAuthErrorCode =(.*?);$/ms.exec(Object.values(sources)[0] ?? '') ?? [];
    const codes = [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code as string);
    expect(codes).toContain('invalid_grant');
    expect([...new Set(valuesOf(document.components.responses, 'error'))].sort()).toEqual(
      codes.sort(),
    );
  });

  it('says of everything that calls take what it is', () => {
    const untold: string[] = [];
    const look = (part: unknown, where: string): void => {
      if (typeof part !== 'object' || part === null) return;
      const { properties, $ref } = part as {
        properties?: Record<string, { description?: string }>;
        $ref?: string;
      };
      if ($ref !== undefined) {
        const name = $ref.replace('#/components/schemas/', '');
        look(document.components.schemas[name], name);
        return;
      }
      // What `request.cf` has is Cloudflare's.
      for (const [name, member] of Object.entries(properties ?? {}))
        if (member.description === undefined && !where.endsWith('.place'))
          untold.push(`${where}.${name}`);
      for (const [name, inner] of Object.entries({ ...part, ...properties }))
        look(inner, name in (properties ?? {}) ? `${where}.${name}` : where);
    };
    for (const calls of Object.values(document.paths))
      for (const { operationId, parameters = [], requestBody } of Object.values(calls)) {
        for (const { name, description } of parameters)
          if (description === undefined) untold.push(`${operationId}: ${name}`);
        look(requestBody, operationId);
      }
    expect([...new Set(untold)]).toEqual([]);
  });
});

describe('GET /docs', () => {
  it('is a page, whose only script is a file of the service beside it', async () => {
    const issuer = 'https://shop.example/auth';
    const service = await startService({ ASSETS: env.ASSETS, ISSUER: issuer });
    const page = await service.app.request(`${issuer}/docs`);
    expect(page.status).toBe(200);
    const policy = page.headers.get('content-security-policy');
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; /);
    const text = await page.text();
    const files = [...text.matchAll(/(?:src|href|spec-url)="([^":]+)"/g)].map(([, file]) => file);
    expect(files).toContain('docs/openapi-explorer.min.js');
    for (const file of files) {
      const response = await service.app.request(new URL(file as string, `${issuer}/docs`).href);
      expect([file, response.status]).toEqual([file, 200]);
      await response.body?.cancel();
    }
    expect(text).not.toMatch(/<script>|\son\w+=|https?:/);
  });

  it('is found with a slash at its end, too', async () => {
    const service = await startService({ ASSETS: env.ASSETS });
    const response = await service.request('/docs/');
    // Not there: its files would be looked for below it.
    expect([response.status, response.headers.get('location')]).toEqual([308, '/docs']);
  });

  it('has its own files, and nothing else of the assets', async () => {
    const service = await startService({ ASSETS: env.ASSETS });
    for (const file of ['nothing.js', '..%2Fopenapi.json', '..%2Flanguages%2Fde.json', '%2e%2e'])
      expect([file, (await service.request(`/docs/${file}`)).status]).toEqual([file, 404]);
    // The same file by a way through the folder above it, where an app keeps its own.
    for (const file of ['page.css', '..%2Fdocs%2Fpage.css', '..%5Cdocs%5Cpage.css', 'page.css%3Fx'])
      expect([file, (await service.request(`/docs/${file}`)).status]).toEqual([
        file,
        file === 'page.css' ? 200 : 404,
      ]);
  });
});

describe('GET /openapi.json', () => {
  it('is the document, of the service’s own address', async () => {
    const issuer = 'https://shop.example/auth';
    const service = await startService({ ASSETS: env.ASSETS, ISSUER: issuer });
    const response = await service.app.request(`${issuer}/openapi.json`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json');
    const served = await response.json<typeof document>();
    expect(served.servers).toEqual([{ url: issuer }]);
    expect(served.paths).toHaveProperty('/v1/sessions');
    expect(JSON.stringify(served)).not.toContain(ISSUER);
  });

  it('costs no database', async () => {
    const service = await startService({ ASSETS: env.ASSETS });
    expect((await service.request('/openapi.json')).status).toBe(200);
    expect(service.database.roundTrips).toBe(0);
  });

  it('is nothing where the Worker has no assets, or those of another', async () => {
    const page = async () =>
      new Response('<!doctype html>', { headers: { 'content-type': 'text/html' } });
    for (const ASSETS of [undefined, { fetch: page } as unknown as Fetcher]) {
      const service = await startService({ ASSETS });
      const response = await service.request('/openapi.json');
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ code: 'not_found' });
    }
  });
});

/**
 * As much of Cloudflare's API as a deployment by wrangler asks for. Its D1 databases are real
 * SQLite.
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DatabaseSync } from 'node:sqlite';

export interface CloudflareApi {
  origin: string;
  /** `METHOD /path` of each request since the last call, without the account. */
  takeRequests(): string[];
  /** What databases were made with, by name: the region or the jurisdiction. */
  places: Map<string, string | null>;
  databases: Map<string, DatabaseSync>;
  /** Those that are there, by their names. */
  workers: Map<string, { secrets: Map<string, string> }>;
  /** The static files of the Worker, by their paths. */
  assets: Set<string>;
  /** Requests that are refused. */
  refused: RegExp | null;
  stop(): Promise<void>;
}

/** What is not there, by Cloudflare's code for it. */
class NotFound extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export async function startCloudflareApi(): Promise<CloudflareApi> {
  let requests: string[] = [];
  const ids = new Map<string, string>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const path = (request.url ?? '').replace(/\?.*$/, '').replace('/accounts/test', '');
      const call = `${request.method} ${path}`;
      requests.push(call);
      response.setHeader('content-type', 'application/json');
      try {
        if (api.refused?.test(call)) throw new NotFound(7_500, 'refused');
        const result = answer(call, path, Buffer.concat(chunks));
        const isService = path.startsWith('/.well-known/');
        response.end(
          JSON.stringify(isService ? result : { success: true, errors: [], messages: [], result }),
        );
      } catch (error) {
        const { code = 7500, message } = error as Partial<NotFound>;
        response.statusCode = error instanceof NotFound ? 404 : 400;
        response.end(
          JSON.stringify({
            success: false,
            errors: [{ code, message }],
            messages: [],
            result: null,
          }),
        );
      }
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const api: CloudflareApi = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    takeRequests: () => {
      const taken = requests;
      requests = [];
      return taken;
    },
    places: new Map(),
    databases: new Map(),
    workers: new Map(),
    assets: new Set(),
    refused: null,
    stop: () => new Promise((closed) => server.close(() => closed())),
  };
  return api;

  function answer(call: string, path: string, body: Buffer): unknown {
    const json = () => JSON.parse(body.toString());
    const [, name = ''] = /^\/d1\/database\/([^/]+)/.exec(path) ?? [];
    switch (true) {
      case call === 'POST /d1/database':
        return createDatabase(json());
      case call === 'GET /d1/database':
        return [...ids].map(([uuid, database]) => ({ uuid, name: database }));
      case /^POST .*\/query$/.test(call):
        return [{ success: true, meta: {}, results: query(find(name), json().sql) }];
      case path === '/.well-known/jwks.json':
        return { keys: [{}] };
      case path.startsWith('/workers/s'):
        return answerOfWorker(call, path, json);
      default:
        return {};
    }
  }

  function answerOfWorker(call: string, path: string, json: () => Record<string, string>): unknown {
    const [, kind, worker = '', what = ''] =
      /^\/workers\/(services|scripts)\/([^/]+)(.*)$/.exec(path) ?? [];
    const existing = api.workers.get(worker);
    if (call === `PUT /workers/scripts/${worker}`) {
      api.workers.set(worker, { secrets: new Map() });
      return { id: worker };
    }
    if (what === '/subdomain' || path.endsWith('/subdomain'))
      return { enabled: true, previews_enabled: false, subdomain: 'test' };
    if (existing === undefined && kind === 'services')
      throw new NotFound(10_090, 'workers.api.error.service_not_found');
    if (existing === undefined)
      throw new NotFound(10_007, 'This Worker does not exist on your account.');
    if (kind === 'services')
      return {
        default_environment: {
          environment: 'production',
          script: { last_deployed_from: 'wrangler' },
        },
      };
    switch (`${call.split(' ')[0]} ${what}`) {
      case 'PUT /secrets': {
        const { name = '', text = '' } = json();
        existing.secrets.set(name, text);
        return { name };
      }
      case 'GET /secrets':
        return [...existing.secrets.keys()].map((name) => ({ name, type: 'secret_text' }));
      case 'GET /deployments':
        return { deployments: [{ id: 'd', versions: [{ version_id: 'v', percentage: 100 }] }] };
      case 'POST /versions':
        return {
          id: 'v',
          startup_time_ms: 1,
          metadata: {},
          resources: { script: { etag: 'e' }, bindings: [] },
        };
      case 'POST /assets-upload-session':
        api.assets = new Set(Object.keys(json().manifest as unknown as object));
        // No buckets: all of them are there already.
        return { jwt: 'uploaded', buckets: [] };
      default:
        return {};
    }
  }

  function createDatabase(input: {
    name: string;
    primary_location_hint?: string;
    jurisdiction?: string;
  }) {
    const id = randomUUID();
    ids.set(id, input.name);
    api.places.set(input.name, input.jurisdiction ?? input.primary_location_hint ?? null);
    api.databases.set(input.name, new DatabaseSync(':memory:'));
    return { uuid: id, name: input.name };
  }

  function find(id: string): string {
    const name = ids.get(id);
    if (name === undefined) throw new NotFound(7404, 'The database could not be found');
    return name;
  }

  function query(name: string, sql: string): unknown[] {
    const database = api.databases.get(name) as DatabaseSync;
    if (/^\s*select/i.test(sql)) return database.prepare(sql).all();
    database.exec(sql);
    return [];
  }
}

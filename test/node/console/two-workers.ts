/** The service and its console, each as it is deployed, bound to each other in one workerd. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { convertV4MiniflareOptions, Miniflare, Response as WorkerResponse } from 'miniflare';
import { bundleWorker } from '../../../scripts/package/bundle-worker.ts';
import { migrate, PLATFORM } from '../package/deployment.ts';

const ROOT = resolve(import.meta.dirname, '../../..');

export const ISSUER = 'https://auth.example.com';
const HOST = 'auth.example.com';
/** Where a browser sees the console: workerd's own socket speaks no TLS. */
export const CONSOLE_ORIGIN = `http://${HOST}`;
export const AUDIENCE = 'https://api.example.com';
export const APP = 'web';
export const OTHER_APP = 'other-web';
export const OPERATOR = '0a0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c11';

const BACKEND = { id: 'backend', secret: randomBytes(32).toString('base64url') };
const AUTHORIZATION = `Basic ${btoa(`${BACKEND.id}:${BACKEND.secret}`)}`;

/** As docs/console.md has it. */
const CONSOLE = {
  client_id: 'console',
  bound: true,
  allow: ['manage_all', 'operate', 'browser_tokens'],
  browser_clients: [APP],
};

const clientsWith = (app: object) => [
  {
    client_id: BACKEND.id,
    secret_sha256: createHash('sha256').update(BACKEND.secret).digest('hex'),
    allow: ['refresh', 'create_sessions', 'manage_users', 'impersonate', 'operate'],
    for_clients: [BACKEND.id, APP, OTHER_APP],
  },
  { client_id: APP, origins: [ISSUER], return_urls: [`${ISSUER}/`], ...app },
  { client_id: OTHER_APP, origins: [ISSUER], return_urls: [`${ISSUER}/other`] },
];

interface Asked {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

export interface TwoWorkers {
  /** A request to the console, as a browser sends it; its redirects are not followed. */
  ask(path: string, asked?: Asked): Promise<Answer>;
  /** A call of the backend, with its credentials. */
  asBackend(method: string, path: string, body?: object): Promise<Record<string, unknown>>;
  /** The `Cookie` header of a browser in which the user has just been given a session. */
  signIn(userId: string, input?: Record<string, unknown>): Promise<string>;
  miniflare: Miniflare;
  stop(): Promise<void>;
}

/**
 * `variables` are the console's. `answers` are for what it asks of other hosts, by URL. `access`:
 * the platform tells it of Cloudflare Access.
 */
export async function startTwoWorkers({
  variables,
  answers = {},
  access,
  consoleClient = {},
  appClient = {},
}: {
  variables: Record<string, unknown>;
  answers?: Record<string, () => object>;
  access?: { aud: string };
  consoleClient?: object;
  appClient?: object;
}): Promise<TwoWorkers> {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      // Where the service, which is the first, thinks that it is.
      upstream: ISSUER,
      workers: [
        {
          ...PLATFORM,
          name: 'edge-sessions',
          script: await build('src/index.ts'),
          d1Databases: { DB: 'sessions' },
          bindings: {
            ISSUER,
            AUDIENCE,
            SESSION_SECRET: randomBytes(32).toString('base64url'),
            CLIENTS: JSON.stringify([...clientsWith(appClient), { ...CONSOLE, ...consoleClient }]),
          },
        },
        {
          ...PLATFORM,
          name: 'console',
          unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
          script: await build('src/console/index.ts'),
          bindings: variables,
          serviceBindings: {
            SESSIONS: {
              name: 'edge-sessions',
              entrypoint: 'Sessions',
              props: { clientId: 'console' },
            },
            SERVICE: 'edge-sessions',
          },
          outboundService: ({ url }: { url: string }) => {
            const answer = answers[url];
            return answer === undefined
              ? new WorkerResponse(null, { status: 502 })
              : WorkerResponse.json(answer());
          },
          ...(access && { access }),
        },
      ],
    } as never),
  );
  await migrate(miniflare, join(ROOT, 'migrations'), { worker: 'edge-sessions', binding: 'DB' });
  const service = await miniflare.ready;
  const ofConsole = await miniflare.unsafeGetDirectURL('console');
  const asBackend: TwoWorkers['asBackend'] = async (method, path, body) => {
    const headers = { authorization: AUTHORIZATION, 'content-type': 'application/json' };
    const asked = { method, headers, ...(body && { body: JSON.stringify(body) }) };
    const { status, text } = await send(new URL(path, service), asked);
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
    return text === '' ? {} : JSON.parse(text);
  };
  return {
    miniflare,
    asBackend,
    ask: (path, { headers = {}, ...asked } = {}) =>
      send(new URL(path, ofConsole), { ...asked, headers: { host: HOST, ...headers } }),
    signIn: async (userId, input = {}) => {
      const app = input.client_id === OTHER_APP ? `${ISSUER}/other` : `${ISSUER}/`;
      const started = (await asBackend('POST', '/v1/sessions', {
        client_id: APP,
        user_id: userId,
        browser: { return_url: app },
        ...input,
      })) as { browser: { start_url: string } };
      const { pathname, search } = new URL(started.browser.start_url);
      // As a browser goes there from a page of the app.
      const headers = {
        'sec-fetch-site': 'same-origin',
        'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'document',
      };
      const answer = await send(new URL(pathname + search, service), { headers });
      const cookies = answer.headers.getSetCookie().map((line) => line.split(';')[0]);
      if (cookies.length === 0) throw new Error(`no cookies: ${answer.status} ${answer.text}`);
      return cookies.join('; ');
    },
    stop: () => miniflare.dispose(),
  };
}

interface Answer {
  status: number;
  text: string;
  headers: Headers;
}

/** Node's `fetch` would say of itself what a browser says, and follow redirects. */
function send(url: URL, { method = 'GET', headers = {}, body }: Asked): Promise<Answer> {
  return new Promise((answered, failed) => {
    const asking = request(url, { method, headers }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      const received = new Headers();
      for (const [name, values] of Object.entries(response.headersDistinct))
        for (const value of values ?? []) received.append(name, value);
      const text = Buffer.concat(chunks).toString();
      answered({ status: response.statusCode ?? 0, text, headers: received });
    });
    asking.once('error', failed);
    asking.end(body);
  });
}

const built = new Map<string, Promise<string>>();

/** The Worker as one module; made once for all tests of a file. */
function build(source: string): Promise<string> {
  const making = built.get(source) ?? bundle(source);
  built.set(source, making);
  return making;
}

async function bundle(source: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'edge-sessions-console-'));
  try {
    const file = join(folder, 'worker.js');
    await bundleWorker(source, file);
    return readFileSync(file, 'utf8');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What the audit log has of a person. */
export async function actsOn({ asBackend }: TwoWorkers, userId: string): Promise<object[]> {
  const { events } = await asBackend('GET', '/v1/audit-events?limit=100');
  return (events as { target: { id: string } }[]).filter(({ target }) => target.id === userId);
}

export const newUser = () => randomUUID();

/** A login of an operator, and the forms that its pages have. */
export interface OperatorBrowser {
  get(path: string): Promise<Answer>;
  /** Sends the form of a page, filled in, as its page would. */
  submit(
    path: string,
    fields?: Record<string, string>,
    headers?: Record<string, string>,
  ): Promise<Answer>;
}

/** A browser that sends `headers` with each request, and keeps the cookie of the console. */
export function openBrowser({ ask }: TwoWorkers, headers: Record<string, string>): OperatorBrowser {
  const { cookie: cookies = '', ...others } = headers;
  const jar = cookies === '' ? [] : [cookies];
  const withCookies = () => ({ ...others, ...(jar.length > 0 && { cookie: jar.join('; ') }) });
  const get: OperatorBrowser['get'] = async (path) => {
    const answer = await ask(path, { headers: withCookies() });
    for (const line of answer.headers.getSetCookie()) jar.push(line.split(';')[0] as string);
    return answer;
  };
  return {
    get,
    submit: async (path, fields = {}, more = {}) => {
      const { text } = await get(path);
      const hidden = [...text.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g)].map(
        ([, name, value]) => [name as string, value as string],
      );
      return ask(path.split('?')[0] as string, {
        method: 'POST',
        headers: withoutEmpty({
          ...withCookies(),
          origin: CONSOLE_ORIGIN,
          'sec-fetch-site': 'same-origin',
          'content-type': 'application/x-www-form-urlencoded',
          ...more,
        }),
        body: String(
          new URLSearchParams({ ...Object.fromEntries(hidden), reason: 'user_request', ...fields }),
        ),
      });
    },
  };
}

const withoutEmpty = (headers: Record<string, string>) =>
  Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== ''));

export const titleIn = (text: string): string => /<h1>(.*?)<\/h1>/s.exec(text)?.[1] ?? '';

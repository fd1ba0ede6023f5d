/** The example of each call is sent to a real service, and answered as the document shows. */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it } from 'vitest';
import document from '../../assets/edge-sessions/openapi.json';
import { deriveKeyring } from '../../src/crypto';
import { EXAMPLE } from '../../src/openapi/examples';
import { signReview } from '../../src/tokens/review-token';
import { clientsWith, readRow, startService, type TestService } from '../fixtures';
import { emptyHomes } from '../homes/three-homes';
import {
  APP_ORIGIN,
  asBackend,
  handOff,
  RETURN_URL,
  signIn,
  startWithBrowsers,
  WEB,
} from '../http/browser/browser';
import { CLIENT_AT_PROVIDER, openProvider, PROVIDER, type Provider } from '../http/provider';
import { UA } from '../risk/callers';
import { toHeaders } from './fuzz/send';

interface Parameter {
  name: string;
  in: string;
  example?: string;
}
interface Call {
  operationId: string;
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { example: Record<string, unknown> }> };
  responses: Record<string, { content?: Record<string, { example?: unknown }> }>;
  security: object[];
}

const calls = Object.entries(
  document.paths as unknown as Record<string, Record<string, Call>>,
).flatMap(([path, ofPath]) =>
  Object.entries(ofPath).map(([method, call]) => ({ path, method: method.toUpperCase(), call })),
);

beforeEach(emptyHomes);

/** A service with what the examples name, and what that is here. */
async function openExamples() {
  const provider = await openProvider();
  const service = await startWithBrowsers(
    {
      ASSETS: env.ASSETS,
      DB_APAC: env.DB_APAC,
      DB_WEUR: env.DB_WEUR,
      HOMES: JSON.stringify([
        { home: 'DB', regions: ['enam'] },
        { home: 'DB_APAC', regions: ['apac'], new_users: 'none' },
        { home: 'DB_WEUR', regions: ['weur'] },
      ]),
      TRUSTED_ISSUERS: JSON.stringify([{ issuer: PROVIDER, audience: CLIENT_AT_PROVIDER }]),
      IMPORTED_SESSIONS_UNTIL: '2026-02-01T00:00:00Z',
    },
    undefined,
    provider.send,
  );
  // A client signs in by an ID token only where it may.
  const CLIENTS = clientsWith(service, WEB, { allow: ['refresh', 'sign_in'] });
  return fillService(
    await startService({ ...service.env, CLIENTS }, service.clock, provider.send),
    provider,
  );
}

async function fillService(service: TestService, provider: Provider) {
  const { user_id } = EXAMPLE;
  await service.request('/v1/import/sessions', {
    method: 'POST',
    headers: { ...service.credentials, 'content-type': 'application/json' },
    body: JSON.stringify({
      sessions: [{ token_sha256: EXAMPLE.imported_sha256, client_id: WEB }],
    }),
  });
  await service.create({ user_id, home: 'DB', user_agent: UA.iphone() });
  // Lists are of the newest first.
  service.advance(1);
  const own = await service.create({ user_id, user_agent: UA.firefox() });
  service.advance(1);
  await service.create({ user: { issuer: EXAMPLE.issuer, subject: EXAMPLE.subject } });
  const { jar } = await signIn(service, { user_id });
  const { browser } = await handOff(service, { user_id: crypto.randomUUID() });
  const event = await env.DB.prepare(
    "SELECT id, session_id FROM session_events WHERE type = 'new_device' LIMIT 1",
  ).first<{ id: string; session_id: string }>();
  if (event === null) throw new Error('no device was new');
  const keyring = await deriveKeyring(service.env.SESSION_SECRET ?? '', null);
  const review = { eventId: event.id, sessionId: event.session_id, home: 'DB' };
  const keys = await (await service.request('/.well-known/jwks.json')).json<{
    keys: { kid: string }[];
  }>();
  const real: Record<keyof typeof EXAMPLE, string> = {
    ...EXAMPLE,
    session_id: own.session.id,
    event_id: event.id,
    access_token: own.access_token,
    refresh_token: own.refresh_token,
    id_token: await provider.idToken({ nonce: EXAMPLE.nonce }),
    return_url: RETURN_URL,
    code: new URL(browser.start_url).searchParams.get('code') ?? '',
    review_token: await signReview(keyring, review, service.clock.now + 60_000),
    kid: keys.keys[0]?.kid ?? '',
  };
  return { service, jar, real };
}

/** A text of the document, with what it is here. */
function fill(text: string, real: Record<keyof typeof EXAMPLE, string>): string {
  return Object.entries(EXAMPLE).reduce(
    (rest, [name, value]) => rest.replaceAll(value, real[name as keyof typeof EXAMPLE]),
    text,
  );
}

/** What an answer is made of, whatever the values. */
function shapeOf(value: unknown): unknown {
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])];
  if (typeof value !== 'object') return typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shapeOf(member)]));
}

/** As the document has it: without tokens of anyone. */
function toShown(text: string, real: Record<keyof typeof EXAMPLE, string>): unknown {
  const named = Object.entries(real).reduce(
    (rest, [name, value]) => rest.replaceAll(value, EXAMPLE[name as keyof typeof EXAMPLE]),
    text,
  );
  return JSON.parse(
    named
      .replaceAll(/"v2\.[^"]+"/g, JSON.stringify(EXAMPLE.refresh_token))
      .replaceAll(/"eyJ[^"]+"/g, JSON.stringify(EXAMPLE.access_token)),
  );
}

describe('the example of', () => {
  it.each(calls)('$call.operationId', async ({ path, method, call }) => {
    const { service, jar, real } = await openExamples();
    const url = new URL(`https://example.com${path}`);
    let filled = path;
    for (const { name, in: place, example } of call.parameters ?? []) {
      if (example === undefined) continue;
      const value = fill(example, real);
      if (place === 'path') filled = filled.replace(`{${name}}`, encodeURIComponent(value));
      else url.searchParams.set(name, value);
    }
    const [type, content] = Object.entries(call.requestBody?.content ?? {})[0] ?? [null, null];
    const text = content === null ? null : fill(JSON.stringify(content.example), real);
    const isForm = type === 'application/x-www-form-urlencoded';
    const pool = new Map([
      ['bearer', [real.access_token]],
      ['cookie', [asBackend(jar).cookie]],
    ]);
    const [first = {}] = call.security;
    // A form that says which client it is of needs no header.
    const isOfForm = text?.includes('client_id') && path.startsWith('/oauth/');
    const asked = {
      id: call.operationId,
      as: 'right' as const,
      security: isOfForm ? [] : Object.keys(first),
      path,
      method,
    };
    const response = await service.request(filled + url.search, {
      method,
      headers: {
        ...toHeaders(pool, asked, 0),
        // A page of the app, which is where the sign-in began.
        ...(call.operationId === 'signInInBrowser' && {
          origin: APP_ORIGIN,
          'sec-fetch-site': 'same-site',
          cookie: '',
        }),
        ...(type !== null && { 'content-type': type }),
      },
      ...(text !== null && {
        body: isForm ? new URLSearchParams(JSON.parse(text)).toString() : text,
      }),
      redirect: 'manual',
    });
    const answered = await response.text();
    expect([200, 201, 204, 303], answered).toContain(response.status);
    if (!response.headers.get('content-type')?.includes('json')) return;
    if (call.operationId === 'getOpenApi') return;
    const shown = Object.values(call.responses[response.status]?.content ?? {})[0]?.example;
    const own = { status: response.status, body: toShown(answered, real) };
    // What is written into src/openapi/example-answers.json, before `npm run openapi`.
    expect(shapeOf(shown), JSON.stringify({ [call.operationId]: own })).toEqual(shapeOf(own.body));
  });
});

it('what examples name is what a service has: a session of theirs is in the table', async () => {
  const { real } = await openExamples();
  expect(await readRow(real.session_id)).toMatchObject({ user_id: EXAMPLE.user_id });
});

/**
 * The `ip_address` that a server tells of its visitor. Frameworks and proxies write it in many
 * ways, and none of them keeps a person from signing in: what cannot be read is null, of which the
 * answer's `warnings` and the log tell.
 */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { BACKEND, basic, readRow, startService, type TestService } from '../fixtures';
import { type Bound, bind, refusalOf, valueIn } from '../rpc/door';
import { asBackend, RETURN_URL, signIn, startWithBrowsers, WEB } from './browser/browser';

const WARNING = {
  code: 'address_unreadable',
  field: 'ip_address',
  detail: expect.stringContaining('taken as null'),
};

const READABLE = [
  ['IPv4', '203.0.113.9', '203.0.113.9'],
  ['IPv6', '2001:db8::1', '2001:db8::1'],
  ['another spelling', '2001:DB8:0::1', '2001:db8::1'],
  ['a port', '203.0.113.9:51234', '203.0.113.9'],
  ['brackets', '[2001:db8::1]', '2001:db8::1'],
  ['brackets and a port', '[2001:db8::1]:51234', '2001:db8::1'],
  ['quotes (RFC 7239 §6)', '"[2001:db8::1]:51234"', '2001:db8::1'],
  ['a list of client and proxy', '203.0.113.9, 198.51.100.1', '203.0.113.9'],
  ['a list with ports', '203.0.113.9:51234,198.51.100.1:80', '203.0.113.9'],
  ['spaces', ' 203.0.113.9 ', '203.0.113.9'],
  ['an IPv4-mapped address', '::ffff:203.0.113.9', '203.0.113.9'],
  ['one in hexadecimal', '::ffff:cb00:7109', '203.0.113.9'],
  ['one in brackets with a port', '[::ffff:203.0.113.9]:443', '203.0.113.9'],
  ['a zone', 'fe80::1%eth0', 'fe80::1'],
  ['a zone in brackets', '[fe80::1%25en0]:443', 'fe80::1'],
] as const;

const UNREADABLE = [
  ['nothing', ''],
  ['spaces', '  '],
  ['`unknown`', 'unknown'],
  ['a list that begins with `unknown`', 'unknown, 198.51.100.1'],
  ['a list that begins with nothing', ', 198.51.100.1'],
  ['an obfuscated name (RFC 7239 §6.3)', '_hidden'],
  ['a host name', 'localhost'],
  ['three parts', '1.2.3'],
  ['octal parts', '0313.0.0161.011'],
  ['a number in a text', '3405803785'],
  ['a part over 255', '300.1.1.1'],
  ['no hexadecimal', '::g'],
  ['an open bracket', '[2001:db8::1'],
  ['IPv4 in brackets', '[203.0.113.9]'],
  ['an address and more', '10.0.0.1.evil'],
  ['the egress of a Worker, which is nobody’s', '2a06:98c0:3600::103'],
  ['markup', '<script>alert(1)</script>'],
  ['8,000 characters', '1'.repeat(8000)],
  ['one that comes after 8,000 spaces', `${' '.repeat(8000)}203.0.113.9`],
  ['8,000 brackets', '['.repeat(8000)],
] as const;

let service: TestService;
let lines: Record<string, unknown>[];
beforeEach(async () => {
  service = await startService();
  lines = [];
  for (const method of ['log', 'warn'] as const)
    vi.spyOn(console, method).mockImplementation((line) => lines.push(JSON.parse(line)));
  return () => vi.restoreAllMocks();
});

const warned = () => lines.filter(({ event }) => event === 'address_unreadable');

async function post(body: object, headers: Record<string, string> = {}) {
  const response = await service.request('/v1/sessions', {
    method: 'POST',
    headers: { authorization: basic(BACKEND), 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, text, body: JSON.parse(text) };
}

describe('POST /v1/sessions', () => {
  it.each(READABLE)('takes the address with %s: %s', async (_, sent, taken) => {
    const { status, body } = await post({ ip_address: sent });
    expect({ status, taken: body.session?.ip_address }).toEqual({ status: 201, taken });
    expect(body).not.toHaveProperty('warnings');
    expect(warned()).toEqual([]);
  });

  it.each(UNREADABLE)('starts the session without one for %s, and says so', async (_, sent) => {
    const { status, body, text } = await post({ ip_address: sent });
    expect({ status, taken: body.session?.ip_address }).toEqual({ status: 201, taken: null });
    expect(await readRow(body.session.id)).toMatchObject({ ip_address: null });
    expect(body.warnings).toEqual([WARNING]);
    expect(warned()).toMatchObject([{ level: 'warn', client_id: BACKEND.id }]);
    if (sent.trim().length > 3) expect(`${text}${JSON.stringify(lines)}`).not.toContain(sent);
  });

  it('warns of nothing where nothing, or null, was told', async () => {
    for (const body of [{}, { ip_address: null }])
      expect((await post(body)).body).not.toHaveProperty('warnings');
    expect(warned()).toEqual([]);
  });

  it('says the same to a repeat with the idempotency key', async () => {
    const key = { 'idempotency-key': crypto.randomUUID() };
    const first = await post({ ip_address: 'unknown' }, key);
    const again = await post({ ip_address: 'unknown' }, key);
    expect(again.body.session.id).toBe(first.body.session.id);
    expect(again.body.warnings).toEqual([WARNING]);
  });

  it('still refuses what is no text, which no proxy makes', async () => {
    const { status, body } = await post({ ip_address: 16909060 });
    expect(status).toBe(400);
    expect(body.errors).toEqual([{ field: 'ip_address', message: 'must be of type string' }]);
  });

  it('has no warnings in a refusal', async () => {
    const { status, body } = await post({ ip_address: 'unknown', client_id: 'nobody' });
    expect(status).toBe(400);
    expect(body).not.toHaveProperty('warnings');
    expect(body.detail).not.toContain('ip_address');
    expect(warned()).toHaveLength(1);
  });
});

describe('the other doors', () => {
  it('a hand-off is answered with the warning', async () => {
    service = await startWithBrowsers();
    const { body, status } = await post({
      client_id: WEB,
      ip_address: 'unknown',
      browser: { return_url: RETURN_URL },
    });
    expect(status).toBe(201);
    expect(body.warnings).toEqual([WARNING]);
  });

  it('POST /browser/token answers for a visitor whose address cannot be read', async () => {
    service = await startWithBrowsers();
    const { jar } = await signIn(service, {});
    const response = await service.request('/browser/token', {
      method: 'POST',
      headers: { ...asBackend(jar), 'content-type': 'application/json' },
      body: JSON.stringify({ ip_address: 'unknown', user_agent: null }),
    });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ warnings: [WARNING] });
  });

  it('by RPC the value has the warning, and a refusal has none', async () => {
    const backend: Bound = bind(service, BACKEND.id);
    const created = valueIn(await backend.create({ ip_address: '203.0.113.9:80' }));
    expect(created.session.ip_address).toBe('203.0.113.9');
    expect(created).not.toHaveProperty('warnings');
    expect(valueIn(await backend.create({ ip_address: 'unknown' })).warnings).toEqual([WARNING]);
    const refused = refusalOf(await backend.create({ ip_address: '', client_id: 'nobody' }));
    expect(refused).not.toHaveProperty('warnings');
  });
});

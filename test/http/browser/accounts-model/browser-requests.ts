/** Requests of the browser, and what their answers say. */
import { expect } from 'vitest';
import { ISSUER } from '../../../fixtures';
import { readSetCookies, SAME_ORIGIN } from '../browser';
import { isLive, type Model, type ModelSession, type Real } from './accounts-world';
import { cookiesAt, keepCookies } from './cookie-jar';

/** Sends what a page asks, or a request with these headers, with the browser's cookies. */
export async function send(
  model: Model,
  { homes: { service }, jar }: Real,
  method: string,
  path: string,
  { headers = SAME_ORIGIN, body }: { headers?: Record<string, string>; body?: object } = {},
): Promise<Response> {
  const cookie = cookiesAt(jar, model.now)
    .map((pair) => pair.join('='))
    .join('; ');
  return service.request(path.replace(ISSUER, ''), {
    method,
    headers: { ...(cookie && { cookie }), ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
}

/** The same, of which the answer comes at once. */
export async function show(model: Model, real: Real, path: string): Promise<Response> {
  const response = await send(model, real, 'GET', path);
  keepCookies(real.jar, response, model.now);
  return response;
}

/** But for that of D1's bookmarks, which is of no account. */
export const namesSetBy = (response: Response) =>
  readSetCookies(response)
    .map(({ name }) => name)
    .filter((name) => name !== '__Host-bookmark');

/** Whether the answer is of a live session: that one, or none. */
export async function expectAnswerOf(
  response: Response,
  session: ModelSession | undefined,
  model: Model,
): Promise<boolean> {
  const body = (await response.json()) as {
    code?: string;
    reason?: string;
    session?: { id: string; user_id: string | null };
  };
  if (session !== undefined && isLive(session, model)) {
    expect(response.status).toBe(200);
    expect(body.session).toMatchObject({ id: session.id, user_id: session.userId });
    return true;
  }
  const { code, reason } = body;
  expect({ status: response.status, code, reason }).toEqual({
    status: 401,
    code: 'session_ended',
    reason: session?.ended ?? undefined,
  });
  return false;
}

/** The running service's clients, and what a backend does with them. */
import { inject } from 'vitest';
import { completeDevVars } from '../../scripts/dev-vars.ts';

export const ORIGIN = inject('origin');
export const APP = 'demo-app';
export const BACKEND = { id: inject('clientId'), secret: inject('clientSecret') };

/** The demo's backend of a service that has secrets of its own. */
export function backendOf(devVarsFile: string): typeof BACKEND {
  const { DEMO_CLIENT_ID: id = '', DEMO_CLIENT_SECRET: secret = '' } = completeDevVars(devVarsFile);
  return { id, secret };
}

export interface NewSession {
  session: { id: string; user_id: string | null; client_id: string };
  access_token: string;
  refresh_token: string;
}

export async function createSession(
  body: Record<string, unknown> = { client_id: APP },
  { origin = ORIGIN, backend = BACKEND } = {},
): Promise<NewSession> {
  const response = await fetch(`${origin}/v1/sessions`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Basic ${Buffer.from(`${backend.id}:${backend.secret}`).toString('base64')}`,
    },
    body: JSON.stringify(body),
  });
  if (response.status !== 201)
    throw new Error(`POST /v1/sessions: ${response.status} ${await response.text()}`);
  return (await response.json()) as NewSession;
}

export async function refresh(refreshToken: string, { origin = ORIGIN, clientId = APP } = {}) {
  const response = await fetch(`${origin}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      client_id: clientId,
    }),
  });
  const body = (await response.json()) as Partial<NewSession> & { error?: string; reason?: string };
  return { status: response.status, body };
}

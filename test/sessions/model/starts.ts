/** Sessions begin: of people whom a backend has authenticated, and of support staff who act as them. */
import type fc from 'fast-check';
import { expect } from 'vitest';
import { FROM } from '../../homes/three-homes';
import { learn } from './foretell';
import {
  type By,
  type ClientName,
  expectNamed,
  HOUR,
  liveOf,
  type Model,
  type ModelSession,
  POLICIES,
  type Real,
  USERS,
  whose,
} from './world';

type Command = fc.AsyncCommand<Model, Real>;

/** Where requests come from, and the home that is nearest to it. */
const NEAREST = { nowhere: 'DB', tokyo: 'DB_APAC', paris: 'DB_WEUR' } as const;
export type Place = keyof typeof NEAREST;

/** Whether a client has no sessions of somebody, because nobody has said their name to it. */
const isUnnamed = ({ named }: Model, userId: string, client: ClientName) =>
  client === 'tenant-app' && !named.has(userId);

export class Create implements Command {
  constructor(
    readonly user: number,
    readonly client: ClientName,
    readonly by: By,
    readonly place: Place,
  ) {}
  check = () => true;
  async run(model: Model, { homes: { post } }: Real) {
    const { user, client, by, place } = this;
    const userId = USERS[user] as string;
    model.proofs += 1;
    const proof = { acr: String(model.proofs) };
    const body = { ...whose(user, by), client_id: client, ...proof };
    const answer = await post('/v1/sessions', body, place === 'nowhere' ? undefined : FROM[place]);
    model.unfinished.delete(userId);
    if (by === 'name') model.named.add(userId);
    if (isUnnamed(model, userId, client)) {
      expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
      return;
    }
    expect(answer.status).toBe(201);
    model.homes.set(userId, model.homes.get(userId) ?? NEAREST[place]);
    // A limit of the client's own counts its sessions alone, and the service's those of the rest.
    const live = liveOf(model, userId).filter((one) => one.client === client && !one.isSupport);
    const { limit } = POLICIES[client];
    // To make room, the oldest sign-ins; the model's list is in their order.
    for (const evicted of live.slice(0, Math.max(0, live.length - limit + 1)))
      evicted.ended = 'evicted';
    begin(model, answer.body, { userId, client, isSupport: false });
  }
  toString = () => `create(user ${this.user} by ${this.by}, ${this.client}, from ${this.place})`;
}

/** Support staff begin to act as a user: for an hour, beside all sessions of the user's own. */
export class Impersonate implements Command {
  constructor(
    readonly user: number,
    readonly client: ClientName,
    readonly by: By,
  ) {}
  check = () => true;
  async run(model: Model, { homes: { post } }: Real) {
    const { user, client, by } = this;
    const userId = USERS[user] as string;
    const support = { act: { sub: 'agent-7' }, reason: 'a ticket' };
    const { status, body } = await post('/v1/sessions', {
      ...whose(user, by),
      client_id: client,
      ...support,
    });
    // By being named to support nobody comes to be, and nobody gets a name.
    const isKnown = model.homes.has(userId);
    if (isKnown) model.unfinished.delete(userId);
    const refusal = isKnown ? null : 404;
    expect(status).toBe(isUnnamed(model, userId, client) ? 400 : (refusal ?? 201));
    if (status === 201) begin(model, body, { userId, client, isSupport: true });
  }
  toString = () => `impersonate(user ${this.user} by ${this.by}, ${this.client})`;
}

function begin(
  model: Model,
  answer: Record<string, unknown>,
  start: Pick<ModelSession, 'userId' | 'client' | 'isSupport'>,
): void {
  const { session, access_token, refresh_token } = answer as {
    session: { id: string };
    access_token: string;
    refresh_token: string;
  };
  const { now, lifetime, generation, proofs } = model;
  const { isSupport } = start;
  const begun: ModelSession = {
    ...start,
    id: session.id,
    tokens: [],
    ratchets: [generation],
    accessToken: access_token,
    current: 0,
    createdAt: now,
    expiresAt: now + (isSupport ? Math.min(lifetime, HOUR) : lifetime),
    rotatedAt: null,
    lastCaller: null,
    proof: isSupport ? 0 : proofs,
    superseded: [],
    recoveries: { given: null, at: [] },
    ended: null,
    isOutdated: false,
    change: undefined,
  };
  expectNamed(access_token, begun);
  learn(model, begun, 0, refresh_token);
  model.sessions.push(begun);
}

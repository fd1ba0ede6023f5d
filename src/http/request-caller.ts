/**
 * Makes the caller of a request. No other file reads from a request who sent it, and from where.
 * The address comes from Cloudflare's own header alone, because a caller can write anything into
 * X-Forwarded-For and its like. A request from another Worker has no trustworthy address.
 */
import { newAccess } from '../db/d1-access';
import type { Caller, ClientCaller, Device, UserCaller } from '../service/caller';
import type { AppContext } from './context';

/**
 * Made once a request, by middleware/request-log.ts. The request id is drawn here, because
 * operations find the events that they wrote by it: a `cf-ray` is shared by the calls of one
 * invocation over a service binding, and whoever calls can choose it.
 */
export function newCaller(c: AppContext): Caller {
  return {
    requestId: crypto.randomUUID(),
    ...newAccess(),
    device: readDevice(c),
    written: [],
  };
}

/** On routes for backends. */
export function clientCallerOf(c: AppContext): ClientCaller {
  return { ...c.get('caller'), client: c.get('client') };
}

/** On routes for users. */
export function userCallerOf(c: AppContext): UserCaller {
  return { ...c.get('caller'), accessToken: c.get('accessToken') };
}

function readDevice(c: AppContext): Device {
  const isWorker = c.req.header('cf-worker') !== undefined;
  return {
    userAgent: c.req.header('user-agent') ?? null,
    hintedPlatform: c.req.header('sec-ch-ua-platform') ?? null,
    address: isWorker ? null : (c.req.header('cf-connecting-ip') ?? null),
    cf: ((c.req.raw as { cf?: unknown }).cf as Record<string, unknown> | undefined) ?? null,
  };
}

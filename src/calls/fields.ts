/** The fields that several calls take. */
import * as v from 'valibot';
import { readSuppliedAddress } from '../risk/supplied-address';
import { MAX_USER_AGENT_LENGTH } from '../risk/user-agent';
import { ACT_REASONS } from '../security-log/audit';
import { RESERVED_CLAIMS } from '../tokens/access-token';

export const uuid = v.pipe(v.string(), v.uuid('must be a UUID'), v.toLowerCase());

/**
 * The name of a person at an identity provider. The provider chooses the subject, which may be any
 * text.
 */
export const issuedName = v.strictObject({
  issuer: v.pipe(v.string(), v.maxLength(255), v.url('must be a URL')),
  subject: v.pipe(v.string(), v.regex(/^[^\0]{1,255}$/su, 'must be 1 to 255 characters')),
});

/**
 * The end user's own, as a server tells it. A long user agent is the visitor's doing, not the
 * server's mistake: the part over the limit is cut off.
 */
export const userAgent = v.pipe(
  v.string(),
  v.transform((text) => text.slice(0, MAX_USER_AGENT_LENGTH).toWellFormed()),
);
/** A text that is no address becomes null; warnings.ts tells the caller. */
export const ipAddress = v.pipe(v.string(), v.transform(readSuppliedAddress));

const text = v.nullish(v.string());
const number = v.nullish(v.union([v.number(), v.string()]));
/**
 * The place of the end user: `request.cf` of their request may be passed whole, because other
 * members are dropped.
 */
export const place = v.object({
  asn: number,
  country: text,
  region: text,
  city: text,
  latitude: number,
  longitude: number,
  httpProtocol: text,
  tlsVersion: text,
});

/**
 * The person's device, as a server tells of it: absent is unknown, null is what it did not tell.
 */
export const signals = {
  user_agent: v.nullish(userAgent),
  ip_address: v.nullish(ipAddress),
  place: v.nullish(place),
};

/**
 * A JSON object as it was sent. Valibot's object schemas also take arrays, and drop keys like
 * `__proto__` unseen.
 */
export const jsonObject = v.custom<Record<string, unknown>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'must be an object',
);

/** One line for people to read, without characters that hide in a text or turn it around. */
const line = (max: number) =>
  v.pipe(
    v.string(),
    v.trim(),
    v.check((text) => text !== '' && text.length <= max, `must be 1 to ${max} characters`),
    // But for the two joiners that scripts and emoji are written with.
    v.check(
      (text) => !/[\p{Cc}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/u.test(text),
      'must have visible characters only',
    ),
  );

/** The name of a device. */
export const label = line(80);

/**
 * The member of the client's staff who asks, as the client says, and why in words: for the audit
 * log.
 */
export const staff = v.object({
  operator: v.nullish(line(254)),
  note: v.nullish(line(200)),
});

/** The audiences (RFC 8707) and scopes (RFC 6749 §3.3) that an access token is asked to have. */
export const grantParameters = {
  resource: v.optional(v.union([v.string(), v.pipe(v.array(v.string()), v.minLength(1))])),
  scope: v.optional(v.string()),
};
export function toGrantParameters({
  resource,
  scope,
}: {
  resource?: string | string[];
  scope?: string;
}) {
  return { resource: resource === undefined ? null : [resource].flat(), scope: scope || null };
}

/** Why a client acts, for the audit log. */
export const reason = v.optional(v.picklist(ACT_REASONS, `can be ${ACT_REASONS.join(', ')}`));

const MAX_BYTES = 2048;
const isSmall = v.check(
  (given: Record<string, unknown>) =>
    new TextEncoder().encode(JSON.stringify(given)).length <= MAX_BYTES,
  `must be at most ${MAX_BYTES} bytes of JSON`,
);

/** The custom claims of a session's access tokens, beside the registered ones (RFC 7519 §4.3). */
export const claims = v.pipe(
  jsonObject,
  v.check(
    (given) => !Object.keys(given).some((name) => RESERVED_CLAIMS.has(name)),
    ({ input }) =>
      `must not shadow a registered claim: ${Object.keys(input)
        .filter((name) => RESERVED_CLAIMS.has(name))
        .join(', ')}`,
  ),
  isSmall,
);

export const metadata = v.pipe(jsonObject, isSmall);

/** How long a session lasts. */
export const lifetime = v.pipe(
  v.number(),
  v.integer('must be a whole number of seconds'),
  v.minValue(1, 'must be at least 1'),
);

/** Seconds since 1970. */
export const seconds = v.pipe(
  v.number(),
  v.integer('must be whole seconds since 1970'),
  v.minValue(0, 'must not be negative'),
);

const LIMIT = 'must be a whole number from 1 to 100';
/** The page of a list. */
export const paging = {
  limit: v.optional(
    v.pipe(v.number(LIMIT), v.integer(LIMIT), v.minValue(1, LIMIT), v.maxValue(100, LIMIT)),
    50,
  ),
  cursor: v.nullish(v.string()),
};

/** How, and when, a person was authenticated. */
export const authentication = {
  auth_time: v.optional(seconds),
  amr: v.optional(
    v.pipe(v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(32))), v.maxLength(10)),
  ),
  acr: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(128))),
};

/** The page to which a browser goes on once it has its cookies. */
export const browser = v.strictObject({ return_url: v.string() });

/**
 * How a call is described. A call of HTTP is one entry of a list in `*-operations.ts`, and nothing
 * else has to be told of it: the document, its examples, and what the tests hold answers to are
 * all made from that entry.
 */
import type * as v from 'valibot';
import type { OAuthErrorCode, ProblemCode } from '../http/errors';

export type Schema = v.GenericSchema;
type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** The way in which a caller proves who it is. */
export type Security =
  /** HTTP Basic with the id and secret of a client. */
  | 'client'
  /** An access token. */
  | 'user'
  | 'client or user'
  /** A client by HTTP Basic, `client_id` and `client_secret` in the form, or `client_id` alone. */
  | 'oauth client'
  | 'confidential oauth client'
  /** The cookies of a session in a browser. */
  | 'cookie'
  | 'client with cookie'
  | 'gateway'
  | 'none';

export interface Parameter {
  name: string;
  schema: Schema;
  description?: string;
  isRequired?: true;
  /** Absent: the one that `PARAMETERS` has of this name. */
  example?: string;
}

interface Body {
  type: 'application/json' | 'application/x-www-form-urlencoded';
  schema: Schema;
  /** The body of a good request, with values of `EXAMPLE`. */
  example: object;
  isOptional?: true;
}

export interface Answer {
  description: string;
  /** The media type of each form, and what it holds; none: there is no body. */
  content?: Readonly<Record<string, Schema>>;
  /** Names of `HEADERS` that the answer has beside those of all answers. */
  headers?: readonly string[];
}

/** The form of a refusal. */
export type RefusalForm =
  /** RFC 9457. */
  | 'problem'
  /** A page. */
  | 'page'
  /** A page, or a problem for whoever asks for JSON. */
  | 'page or problem';

interface Described {
  /** The method and path, as the routes in src/http/ have them, with parameters in braces. */
  at: `${Method} /${string}`;
  /** The `operationId`. */
  id: string;
  summary: string;
  description?: string;
  /** The page of docs/ that says more. */
  page?: `${string}.md` | `${string}.md#${string}`;
  security: Security;
  /** The capability that `allow` of the client has to list. */
  capability?: string;
  path?: readonly Parameter[];
  query?: readonly Parameter[];
  headers?: readonly Parameter[];
  body?: Body;
  answers: Readonly<Record<number, Answer>>;
  /** The call answers also when no database does. */
  asksNoDatabase?: true;
  /** The call answers every method; the document names one of them. */
  isOfEveryMethod?: true;
}

export interface ProblemOperation extends Described {
  /** Beside those that every call may answer (described-errors.ts). */
  refusals: readonly ProblemCode[];
  refusalForm?: RefusalForm;
}

export interface OAuthOperation extends Described {
  /** RFC 6749 §5.2. */
  oauthRefusals: readonly OAuthErrorCode[];
}

export type Operation = ProblemOperation | OAuthOperation;

/** A part of the API, as the document groups it. */
export interface OperationGroup {
  tag: string;
  description: string;
  operations: readonly Operation[];
}

export const json = (
  schema: Schema,
  description = 'Done.',
  headers?: readonly string[],
): Answer => ({
  description,
  content: { 'application/json': schema },
  ...(headers && { headers }),
});

export const jsonBody = (schema: Schema, example: object, isOptional?: true): Body => ({
  type: 'application/json',
  schema,
  example,
  ...(isOptional && { isOptional }),
});

export const form = (schema: Schema, example: object): Body => ({
  type: 'application/x-www-form-urlencoded',
  schema,
  example,
});

/** `AUDIENCE` and `ACCOUNT_AUDIENCE`: whom access tokens are for (RFC 9068 §3, RFC 8707). */
import * as v from 'valibot';

export interface Audiences {
  /** The team's APIs: whom access tokens are for, unless their client or who asks says less. */
  audiences: readonly [string, ...string[]];
  /**
   * The `aud` that this service's own routes ask for; the first of `audiences`, unless it is set.
   */
  accountAudience: string;
}

const IS_LIST = /[\s,[\]]/;
const MAX_AUDIENCES = 20;

/** RFC 8707 §2: clients ask for it by `resource`, an absolute URI without a fragment. */
const isResource = (text: string) =>
  URL.canParse(text) && !text.includes('#') && !IS_LIST.test(text);

const listSchema = v.pipe(
  v.array(v.pipe(v.string(), v.check(isResource))),
  v.minLength(1),
  v.maxLength(MAX_AUDIENCES),
  v.check((list) => new Set(list).size === list.length),
);

export function parseAudiences(
  audience: string | undefined,
  accountAudience: string | undefined,
  mistakes: string[],
): Audiences {
  const [first = '', ...others] = parseList(audience, mistakes);
  const audiences = [first, ...others] as const;
  if (!accountAudience) return { audiences, accountAudience: first };
  if (!isResource(accountAudience))
    mistakes.push(
      'ACCOUNT_AUDIENCE must be one absolute URI without a fragment, for example https://auth.example.com',
    );
  if (audiences.includes(accountAudience))
    mistakes.push(
      'ACCOUNT_AUDIENCE must differ from AUDIENCE: leave it out where one audience is for both',
    );
  return { audiences, accountAudience };
}

function parseList(text: string | undefined, mistakes: string[]): readonly string[] {
  if (!text) {
    mistakes.push(
      'AUDIENCE is missing: who accepts the access tokens, for example https://api.example.com',
    );
    return [];
  }
  if (!text.startsWith('[')) {
    if (IS_LIST.test(text))
      mistakes.push('AUDIENCE must be one audience, or a JSON array of audiences');
    return [text];
  }
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), listSchema), text);
  if (parsed.success) return parsed.output;
  mistakes.push(
    `AUDIENCE must be a JSON array of 1 to ${MAX_AUDIENCES} absolute URIs without a fragment, each there once`,
  );
  return [];
}

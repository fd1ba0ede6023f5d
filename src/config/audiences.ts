/** `AUDIENCE` and `ACCOUNT_AUDIENCE`: whom access tokens are for (RFC 9068 §3, RFC 8707). */

export interface Audiences {
  /** The `aud` of access tokens. */
  audience: string;
  /** The `aud` that this service's own routes ask for; the same, unless it is set. */
  accountAudience: string;
}

const IS_LIST = /[\s,[\]]/;

export function parseAudiences(
  audience: string | undefined,
  accountAudience: string | undefined,
  mistakes: string[],
): Audiences {
  if (!audience)
    mistakes.push(
      'AUDIENCE is missing: who accepts the access tokens, for example https://api.example.com',
    );
  else if (IS_LIST.test(audience))
    mistakes.push('AUDIENCE must be one audience, not a list: tokens would carry it as it stands');
  if (!accountAudience) return { audience: audience ?? '', accountAudience: audience ?? '' };
  // RFC 8707 §2: clients ask for it by `resource`, an absolute URI without a fragment.
  if (
    !URL.canParse(accountAudience) ||
    accountAudience.includes('#') ||
    IS_LIST.test(accountAudience)
  )
    mistakes.push(
      'ACCOUNT_AUDIENCE must be one absolute URI without a fragment, for example https://auth.example.com',
    );
  if (accountAudience === audience)
    mistakes.push(
      'ACCOUNT_AUDIENCE must differ from AUDIENCE: leave it out where one audience is for both',
    );
  return { audience: audience ?? '', accountAudience };
}

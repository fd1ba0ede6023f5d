/**
 * The values of examples. test/openapi/examples.test.ts replaces them by those of a real service,
 * and sends each example.
 */
export const EXAMPLE = {
  user_id: '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c11',
  session_id: '0d3f6a52-5d0e-4b6e-9f55-4c1f7a9a2b10',
  event_id: '3f1c9a0e-7c11-4a5e-8a0b-2d5e8f1b6c72',
  access_token: 'eyJ.the-access-token',
  refresh_token: 'v2.the-refresh-token',
  id_token: 'eyJ.the-id-token',
  nonce: 'n-0S6_WzA2Mj-of-the-sign-in',
  code: 'eyJ.the-code-of-a-start-url',
  review_token: 'of-the-link-of-a-mail',
  imported_token: 'token-of-the-other-system',
  imported_sha256: '4ot3qD2W0gdD_nSSP7O4SQPs33vDuPN9suqvPiry9Dc',
  kid: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
  issuer: 'https://tenant.example/',
  subject: 'auth0|64b7f9e2',
  return_url: 'https://app.example/signed-in',
} as const;

/** Examples of the parameters that a call needs, by their names. */
export const PARAMETERS: Readonly<Record<string, string>> = {
  user_id: EXAMPLE.user_id,
  id: EXAMPLE.session_id,
  home: 'DB_APAC',
  issuer: EXAMPLE.issuer,
  subject: EXAMPLE.subject,
  code: EXAMPLE.code,
  index: '0',
  answer: 'no',
  file: 'page.css',
};

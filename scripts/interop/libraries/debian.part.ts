/** Libraries of other languages, as Debian packages them, each by a program in debian/. */
import { execFileSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { installPackages, versionOf } from '../debian-packages.ts';
import type { Part } from '../part.ts';
import { askCommand, LIBRARY_COLUMNS, type Library, tryLibrary } from './try-library.ts';

const PYTHON = '/usr/bin/python3';
const BESIDE = [
  'python3-requests',
  'golang-go',
  'php-cli',
  'libgoogle-gson-java',
  'erlang-base',
  'erlang-inets',
  'erlang-jiffy',
  'curl',
  'jq',
];

type Command = readonly [string, ...string[]];

/** Name, package, command, and what the page says of it. */
const LIBRARIES: readonly [string, string, Command, Library['typ'], string][] = [
  [
    'PyJWT',
    'python3-jwt',
    [PYTHON, 'with_pyjwt.py'],
    'by hand',
    '`PyJWKClient`; `algorithms=[…]`, `issuer`, `audience`; compare `get_unverified_header(token)["typ"]`',
  ],
  [
    'python-jose',
    'python3-jose',
    [PYTHON, 'with_python_jose.py'],
    'by hand',
    'find the key by `kid`; `algorithms=[…]`, `issuer`, `audience`',
  ],
  [
    'Authlib',
    'python3-authlib',
    [PYTHON, 'with_authlib.py'],
    'by hand',
    '`JsonWebToken([alg])`, never `jwt`; `claims_options`, then `claims.validate()`',
  ],
  [
    'jwcrypto',
    'python3-jwcrypto',
    [PYTHON, 'with_jwcrypto.py'],
    'by hand',
    '`algs=[…]`, and `check_claims` with `exp: None`, which demands it',
  ],
  [
    'ruby-jwt',
    'ruby-jwt',
    ['ruby', 'with_ruby_jwt.rb'],
    'by hand',
    '`algorithms`, `jwks`, `verify_iss`, `verify_aud`',
  ],
  [
    'json-jwt (Ruby)',
    'ruby-json-jwt',
    ['ruby', 'with_ruby_json_jwt.rb'],
    'by hand',
    'the algorithms as symbols; `iss`, `aud` and `exp` are yours to compare',
  ],
  [
    'Crypt::JWT (Perl)',
    'libcrypt-jwt-perl',
    ['perl', 'with_crypt_jwt.pl'],
    'by hand',
    '`kid_keys`, `accepted_alg`, `verify_iss`, `verify_aud`, `decode_header`',
  ],
  [
    'go-jose',
    'golang-gopkg-square-go-jose.v2-dev',
    ['./with_go_jose'],
    'by hand',
    'compare the header’s `Algorithm` before `Claims`; `Validate` with `Issuer`, `Audience` and `Time`',
  ],
  [
    'golang-jwt',
    'golang-github-golang-jwt-jwt-dev',
    ['./with_golang_jwt'],
    'by hand',
    '`WithValidMethods`; the key of the `kid` and the type in the key function; `VerifyIssuer`, `VerifyAudience` and `VerifyExpiresAt` with `true`',
  ],
  [
    'go-oidc',
    'golang-github-coreos-go-oidc-dev',
    ['./with_go_oidc'],
    'by hand',
    '`NewProvider`, by discovery; `Config` with `ClientID: AUDIENCE` and `SupportedSigningAlgs`',
  ],
  [
    'phpseclib (PHP)',
    'php-phpseclib3',
    ['php', 'with_phpseclib.php'],
    'by hand',
    '`PublicKeyLoader` with the key of the `kid`; for ES256 the format `Raw`, of the two halves of the signature; everything else is yours to compare',
  ],
  [
    'JDK (Java)',
    'openjdk-17-jdk-headless',
    ['java', '-cp', '/usr/share/java/gson.jar', 'WithJdk.java'],
    'by hand',
    '`java.security.Signature`; for ES256 `SHA256withECDSAinP1363Format`; everything else is yours to compare',
  ],
  [
    'jose (Erlang, Elixir)',
    'erlang-jose',
    ['escript', 'with_erlang_jose.escript'],
    'by hand',
    '`jose_jwt:verify_strict` with the one algorithm; `iss`, `aud` and `exp` are yours to compare',
  ],
  [
    'jose (command line)',
    'jose',
    ['sh', 'with_jose_cli.sh'],
    'by hand',
    '`jose jws ver` with the key of the `kid`; everything else is yours to compare',
  ],
  [
    'curl, by introspection',
    'curl',
    ['sh', 'with_curl.sh'],
    'always',
    'what has no library asks: `POST /oauth/introspect` with the credentials of a client that may `introspect`, each time',
  ],
];

export const part: Part = {
  name: 'debian',
  heading: 'Libraries of other languages (as Debian 12 has them)',
  columns: LIBRARY_COLUMNS,
  prepare(folder) {
    installPackages([...BESIDE, ...LIBRARIES.map(([, name]) => name)]);
    cpSync(join(import.meta.dirname, 'debian'), folder, { recursive: true });
    const env = {
      ...process.env,
      GO111MODULE: 'off',
      GOPATH: '/usr/share/gocode',
      GOCACHE: folder,
    };
    for (const name of ['with_go_jose', 'with_golang_jwt', 'with_go_oidc'])
      execFileSync('go', ['build', '-o', name, `${name}.go`], { cwd: folder, env });
  },
  async try(services, folder) {
    const rows = [];
    for (const [name, debianPackage, command, typ, write] of LIBRARIES) {
      const ask = askCommand(folder, command);
      const library = { name, version: versionOf(debianPackage), ask, typ, write };
      rows.push(await tryLibrary(library, services));
    }
    return rows;
  },
};

/** Libraries of npm's registry, each by a program in npm/. */
import { execFileSync } from 'node:child_process';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Part } from '../part.ts';
import { askCommand, LIBRARY_COLUMNS, type Library, tryLibrary } from './try-library.ts';

const VERSIONS = {
  '@fastify/jwt': '10.2.8',
  '@hapi/hapi': '21.4.10',
  '@hapi/jwt': '3.2.4',
  '@hono/node-server': '2.1.9',
  '@tsndr/cloudflare-worker-jwt': '3.2.3',
  'aws-jwt-verify': '5.2.1',
  express: '5.3.0',
  'express-jwt': '8.5.1',
  'express-oauth2-jwt-bearer': '1.10.0',
  'fast-jwt': '6.3.6',
  fastify: '5.12.8',
  'get-jwks': '11.0.3',
  hono: '4.13.19',
  jose: '6.2.18',
  jsonwebtoken: '9.0.3',
  'jwks-rsa': '4.1.0',
  koa: '3.3.0',
  'koa-jwt': '4.0.4',
  oauth4webapi: '3.8.8',
  passport: '0.7.0',
  'passport-jwt': '4.0.1',
} as const;
type Package = keyof typeof VERSIONS;

/** By package: its program, and what the page says of it. */
const LIBRARIES: readonly [Package, string, Library['typ'], string][] = [
  [
    'jose',
    'with-jose',
    'option',
    '`jwtVerify(token, createRemoteJWKSet(url), { issuer, audience, typ: "at+jwt", algorithms })`',
  ],
  [
    'jsonwebtoken',
    'with-jsonwebtoken',
    'by hand',
    'with `jwks-rsa`; `complete: true`, and compare `header.typ`',
  ],
  [
    'fast-jwt',
    'with-fast-jwt',
    'option',
    'with `get-jwks`; `algorithms`, `allowedIss`, `allowedAud`, `checkTyp: "at+jwt"`',
  ],
  [
    '@fastify/jwt',
    'with-fastify-jwt',
    'option',
    'with `get-jwks`; in `verify`: `algorithms`, `allowedIss`, `allowedAud`, `checkTyp: "at+jwt"`',
  ],
  [
    'hono',
    'with-hono-jwk',
    'option',
    '`hono/jwk` with `alg` and `verification: { iss, aud, typ: "at+jwt" }`; without `typ` it refuses every access token',
  ],
  [
    'express-oauth2-jwt-bearer',
    'with-express-oauth2-jwt-bearer',
    'option',
    '`tokenSigningAlg`, and `strict: true` for the type',
  ],
  [
    'oauth4webapi',
    'with-oauth4webapi',
    'always',
    '`validateJwtAccessToken`; discovery with `algorithm: "oauth2"`; `signingAlgorithms`',
  ],
  [
    'aws-jwt-verify',
    'with-aws-jwt-verify',
    'by hand',
    '`JwtVerifier`; the type in `customJwtCheck`',
  ],
  ['@hapi/jwt', 'with-hapi-jwt', 'by hand', '`keys: { uri, algorithms }`; the type in `validate`'],
  [
    'passport-jwt',
    'with-passport-jwt',
    'cannot',
    'with `jwks-rsa`; `algorithms`, `issuer`, `audience`',
  ],
  [
    'express-jwt',
    'with-express-jwt',
    'cannot',
    'with `jwks-rsa`; `algorithms`, `issuer`, `audience`',
  ],
  ['koa-jwt', 'with-koa-jwt', 'cannot', 'with `jwks-rsa`; `algorithms`, `issuer`, `audience`'],
  [
    '@tsndr/cloudflare-worker-jwt',
    'with-tsndr-worker-jwt',
    'by hand',
    'find the key by `kid`; compare `typ`, `iss` and `aud` yourself',
  ],
];

export const part: Part = {
  name: 'npm',
  heading: 'JavaScript libraries',
  columns: LIBRARY_COLUMNS,
  prepare(folder) {
    cpSync(join(import.meta.dirname, 'npm'), folder, { recursive: true });
    const manifest = { private: true, type: 'module', dependencies: VERSIONS };
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
    execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  },
  async try(services, folder) {
    const rows = [];
    for (const [name, program, typ, write] of LIBRARIES) {
      const ask = askCommand(folder, [process.execPath, `${program}.mjs`]);
      const library = { name, version: VERSIONS[name], ask, typ, write };
      rows.push(await tryLibrary(library, services));
    }
    return rows;
  },
};

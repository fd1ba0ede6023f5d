/** Modules of Apache that let a request pass with a good access token. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePort } from '../../free-port.ts';
import { installPackages, versionOf } from '../debian-packages.ts';
import { LIBRARY_COLUMNS, type Library, tryLibrary } from '../libraries/try-library.ts';
import type { Part, TriedService } from '../part.ts';

const PACKAGES = ['apache2', 'libapache2-mod-auth-openidc', 'libapache2-mod-oauth2', 'openssl'];
/** What a configuration without Debian's own needs. */
const MODULES = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'dir', 'headers'];
const READY_TIMEOUT_MS = 10_000;

const MODULE_OF = { mod_auth_openidc: 'auth_openidc', mod_oauth2: 'oauth2' } as const;

/** The lines that a deployment writes, issuer and audience apart. */
const SETTINGS = {
  mod_auth_openidc: ({ issuer, audience }: TriedService, jwksUri: string) => `
    OIDCOAuthVerifyJwksUri ${jwksUri}
    OIDCOAuthSSLValidateServer Off
    OIDCOAuthRemoteUserClaim sub
    <Location />
      AuthType oauth20
      <RequireAll>
        Require claim iss:${issuer}
        Require claim aud:${audience}
      </RequireAll>
    </Location>`,
  mod_oauth2: ({ issuer, audience }: TriedService, jwksUri: string) => `
    OAuth2TokenVerify jwks_uri ${jwksUri} jwks_uri.ssl_verify=false
    <Location />
      AuthType oauth2
      OAuth2TargetPass remote_user_claim=sub
      <RequireAll>
        Require oauth2_claim iss:${issuer}
        Require oauth2_claim aud:${audience}
      </RequireAll>
    </Location>`,
};

export const part: Part = {
  name: 'apache',
  heading: 'Apache (as Debian 12 has it)',
  columns: LIBRARY_COLUMNS,
  prepare: () => installPackages(PACKAGES),
  async try(services, folder) {
    const libraries: Library[] = [
      {
        name: 'mod_auth_openidc',
        version: versionOf('libapache2-mod-auth-openidc'),
        ask: (service) => askApache('mod_auth_openidc', service, folder),
        typ: 'cannot',
        write:
          '`OIDCOAuthVerifyJwksUri`, `AuthType oauth20`, and `Require claim` for `iss` and `aud`, both in a `RequireAll`',
      },
      {
        name: 'mod_oauth2',
        version: versionOf('libapache2-mod-oauth2'),
        ask: (service) => askApache('mod_oauth2', service, folder),
        typ: 'cannot',
        write:
          '`OAuth2TokenVerify jwks_uri`, `AuthType oauth2`, and `Require oauth2_claim` for `iss` and `aud`, both in a `RequireAll`',
      },
    ];
    const rows = [];
    for (const library of libraries) rows.push(await tryLibrary(library, services));
    return rows;
  },
};

async function askApache(
  module: keyof typeof SETTINGS,
  service: TriedService,
  folder: string,
): Promise<string[]> {
  const root = join(folder, `${module}-${service.alg}`);
  mkdirSync(root, { recursive: true });
  const port = await findFreePort();
  const keys = await serveKeysOverTls(service, root);
  const load = [...MODULES, MODULE_OF[module]].map(
    (name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`,
  );
  const configuration = `
    ServerRoot ${root}
    ServerName localhost
    Listen 127.0.0.1:${port}
    PidFile ${root}/pid
    ErrorLog ${root}/error.log
    User www-data
    Group www-data
    ${load.join('\n    ')}
    DocumentRoot /var/www/html
    DirectoryIndex index.html
    Header always set X-User "expr=%{REMOTE_USER}"
    ${SETTINGS[module](service, keys.url)}`;
  writeFileSync(join(root, 'httpd.conf'), configuration);
  const args = ['-f', join(root, 'httpd.conf'), '-DFOREGROUND'];
  const server = spawn('/usr/sbin/apache2', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  try {
    const url = `http://127.0.0.1:${port}/`;
    await untilAnswered(url);
    const answers: string[] = [];
    for (const { token } of service.tokens) {
      const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
      const challenge = response.headers.get('www-authenticate') ?? '';
      answers.push(
        response.ok ? `ok ${response.headers.get('x-user')}` : `no ${response.status} ${challenge}`,
      );
    }
    return answers;
  } finally {
    server.kill();
    keys.stop();
  }
}

/**
 * These modules read keys over https alone. The certificate is nobody's, so they must not check it.
 */
async function serveKeysOverTls({ issuer }: TriedService, root: string) {
  const [key, cert] = [join(root, 'key.pem'), join(root, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-days', '1', '-nodes'];
  const made = ['-newkey', 'rsa:2048', '-keyout', key, '-out', cert];
  execFileSync('openssl', ['req', '-x509', ...made, ...subject], { stdio: 'ignore' });
  const tls = { key: readFileSync(key), cert: readFileSync(cert) };
  const server = createServer(tls, async (_request, response) => {
    const answer = await fetch(`${issuer}/.well-known/jwks.json`);
    response.setHeader('content-type', 'application/jwk-set+json').end(await answer.text());
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return { url: `https://localhost:${port}/jwks.json`, stop: () => server.close() };
}

async function untilAnswered(url: string): Promise<void> {
  for (let waited = 0; waited < READY_TIMEOUT_MS; waited += 100) {
    const isUp = await fetch(url).then(
      () => true,
      () => false,
    );
    if (isUp) return;
    await sleep(100);
  }
  throw new Error('apache2 does not start');
}

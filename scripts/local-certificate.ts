/**
 * The certificate of `HTTPS=1 npm start`: made here, of this machine's names, with a key that
 * nobody else has. Browsers ask once whether to go on, because nobody vouches for it.
 */
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CertificateFiles {
  key: string;
  cert: string;
}

/** Safari takes none that is good for longer than 825 days. */
const DAYS = 365;
const DAY_MS = 86_400_000;
/** No client takes `*` for a name below a single label, so the usual ones are named. */
const HOSTS = ['localhost', 'app.localhost', 'auth.localhost', 'api.localhost', '*.app.localhost'];
const NAMES = [...HOSTS.map((host) => `DNS:${host}`), 'IP:127.0.0.1', 'IP:::1'].join();

/** Makes it in `folder`, unless one is there that is good for another day. */
export function makeLocalCertificate(folder: string): CertificateFiles {
  const files = { key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem') };
  if (existsSync(files.key) && isGood(files.cert)) return files;
  mkdirSync(folder, { recursive: true });
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const names = ['-subj', '/CN=localhost', '-addext', `subjectAltName=${NAMES}`];
  const out = ['-keyout', files.key, '-out', files.cert, '-days', String(DAYS)];
  try {
    execFileSync('openssl', ['req', ...kind, ...names, ...out], { stdio: 'pipe' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Error('HTTPS=1 makes a certificate with openssl, which is not installed');
  }
  chmodSync(files.key, 0o600);
  return files;
}

function isGood(file: string): boolean {
  if (!existsSync(file)) return false;
  const { validTo } = new X509Certificate(readFileSync(file));
  return Date.parse(validTo) > Date.now() + DAY_MS;
}

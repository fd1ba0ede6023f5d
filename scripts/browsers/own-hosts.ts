/**
 * Names of a real site that lead to this machine, for this command alone: it runs once more in a
 * mount namespace whose /etc/hosts has them. WebKitGTK takes no names below `localhost` for one
 * site, and keeps the cookies of one from the pages of another.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const NAMES = ['app.shop.example.com', 'auth.shop.example.com', 'app.other.example.net'];
/** Set where the names are known. */
export const IN_OWN_HOSTS = 'EDGE_SESSIONS_OWN_HOSTS';

/** Runs this process's command again where the names are known, and gives what it ends with. */
export function runWithHosts(): number {
  const folder = mkdtempSync(join(tmpdir(), 'edge-sessions-hosts-'));
  try {
    const file = join(folder, 'hosts');
    writeFileSync(file, `${readFileSync('/etc/hosts', 'utf8')}\n127.0.0.1 ${NAMES.join(' ')}\n`);
    const [node = '', ...args] = process.argv;
    const script = 'mount --bind "$0" /etc/hosts && exec "$@"';
    const { status } = spawnSync('unshare', ['--mount', 'sh', '-c', script, file, node, ...args], {
      stdio: 'inherit',
      env: { ...process.env, [IN_OWN_HOSTS]: '1' },
    });
    return status ?? 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

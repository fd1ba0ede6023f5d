/** A clone to deploy from, and the stand-in for Cloudflare that it is deployed to. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type CloudflareApi, startCloudflareApi } from './cloudflare-api.ts';

const ROOT = resolve(import.meta.dirname, '../..');

export interface DeploymentFolder {
  api: CloudflareApi;
  path: string;
  /** Writes wrangler.toml: the repository's, changed. */
  configure(change: (toml: string) => string): void;
  toml(): string;
  /** Puts wrangler.jsonc into the place of wrangler.toml. */
  useJsonc(text: string): void;
  jsoncPath: string;
  /** Runs `npm run deploy` to its end, whatever that is. */
  deploy(args?: readonly string[], variables?: Record<string, string>): Promise<Ended>;
  remove(): Promise<void>;
}

export interface Ended {
  code: number;
  stdout: string;
  /** Both. */
  output: string;
}

/** A fresh clone, without its tests, whose packages are installed. */
export function makeClone(): string {
  const folder = mkdtempSync(join(tmpdir(), 'clone-'));
  for (const name of [
    'package.json',
    'tsconfig.json',
    'wrangler.toml',
    'scripts',
    'src',
    'migrations',
    'assets',
  ])
    cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

export async function makeDeploymentFolder(): Promise<DeploymentFolder> {
  const api = await startCloudflareApi();
  const folder = makeClone();
  const file = join(folder, 'wrangler.toml');
  return {
    api,
    path: folder,
    configure: (change) =>
      writeFileSync(file, change(readFileSync(join(ROOT, 'wrangler.toml'), 'utf8'))),
    toml: () => readFileSync(file, 'utf8'),
    jsoncPath: join(folder, 'wrangler.jsonc'),
    useJsonc(text) {
      rmSync(file);
      writeFileSync(join(folder, 'wrangler.jsonc'), text);
    },
    deploy(args = [], variables = {}) {
      const env = {
        ...process.env,
        CLOUDFLARE_API_BASE_URL: api.origin,
        CLOUDFLARE_API_TOKEN: 'test',
        CLOUDFLARE_ACCOUNT_ID: 'test',
        WRANGLER_SEND_ERROR_REPORTS: 'false',
        ...variables,
      };
      return new Promise((ended) => {
        execFile(
          process.execPath,
          [join(folder, 'scripts/cli.ts'), 'deploy', ...args],
          { cwd: folder, env },
          (error, stdout, stderr) =>
            ended({ code: Number(error?.code ?? 0), stdout, output: stdout + stderr }),
        );
      });
    },
    async remove() {
      rmSync(folder, { recursive: true });
      await api.stop();
    },
  };
}

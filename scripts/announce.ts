/** What `npm start` prints when the service answers: where it is, and what to try. */
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { get as getByTls } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CertificateFiles } from './local-certificate.ts';

export interface Announced {
  origin: string;
  base: string;
  devVarsFile: string;
  certificate: CertificateFiles | null;
}

/** Says what to try once the service answers. Resolves to whether it did, before it was over. */
export async function announce(
  { origin, base, devVarsFile, certificate }: Announced,
  isOver: () => boolean,
): Promise<boolean> {
  while (!isOver()) {
    if (await isUp(`${base}/healthz`, certificate)) {
      const curl = certificate === null ? 'curl -s' : `curl -s --cacert '${certificate.cert}'`;
      const asked = certificate === null ? '' : '   (nobody vouches for its certificate: go on)';
      console.log(`
Try it:           ${base}/${asked}
Start a session:  source ${devVarsFile}; ${curl} -u "$DEMO_CLIENT_ID:$DEMO_CLIENT_SECRET" -H 'Content-Type: application/json' -d '{"client_id":"demo-app"}' ${base}/v1/sessions
Refresh it:       ${curl} -d grant_type=refresh_token -d client_id=demo-app -d refresh_token=PASTE_IT_HERE ${base}/oauth/token
Run the cron:     ${curl} ${origin}/cdn-cgi/handler/scheduled
Operate it:       ${origin}/console   (as the person of the demo session)
`);
      return true;
    }
    await sleep(200);
  }
  return false;
}

/** Whether anything answers there, by the certificate that is ours where there is one. */
function isUp(url: string, certificate: CertificateFiles | null): Promise<boolean> {
  return new Promise((found) => {
    const answered = (response: { resume(): unknown }) => {
      response.resume();
      found(true);
    };
    const request =
      certificate === null
        ? get(url, answered)
        : getByTls(url, { ca: readFileSync(certificate.cert) }, answered);
    request.once('error', () => found(false));
  });
}

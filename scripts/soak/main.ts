/**
 * `npm run soak`: the built service over three databases, refreshed at full speed while D1 calls
 * fail at random and workerd is killed (SIGKILL) again and again. It fails when a client that held
 * a good token was signed out without having lost more answers than a session recovers, when one
 * token had two successors, when a session outlived its limit or its end, or when a user had more
 * sessions than allowed. Options: --minutes (15), --sessions (2000), --connections (64),
 * --kill-seconds (60), --fault-rate (0.02).
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Answer, closeConnections, send } from '../bench/load.ts';
import { LostAnswers } from './lost-answers.ts';
import { GRACE_MS, startSoakService } from './service.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '15' },
    sessions: { type: 'string', default: '2000' },
    connections: { type: 'string', default: '64' },
    'kill-seconds': { type: 'string', default: '60' },
    'fault-rate': { type: 'string', default: '0.02' },
  },
});
const [minutes, count, connections, killSeconds] = [
  values.minutes,
  values.sessions,
  values.connections,
  values['kill-seconds'],
].map(Number) as [number, number, number, number];

const LIMIT = 4;
/**
 * What a short-lived session is given, and how far the clocks of this script and the service may
 * differ.
 */
const SHORT_SECONDS = 20;
const SLACK_MS = 2_000;

interface Device {
  userId: string;
  address: string;
  token: string;
  isBusy: boolean;
  /** Milliseconds, not before and not after; null: not within this run. */
  ends: { earliest: number; latest: number } | null;
  /** Its sign-out was answered, or it was told that its token was used twice. */
  endedBy: 'sign-out' | 'theft' | null;
  lost: LostAnswers;
}

const counts = {
  refreshes: 0,
  unanswered: 0,
  unavailable: 0,
  throttled: 0,
  kills: 0,
  takenForTheft: 0,
  signOuts: 0,
  created: 0,
  pairs: 0,
};
const failures: string[] = [];
const service = await startSoakService(values['fault-rate'], LIMIT);
try {
  const devices = await createAll();
  console.log(
    `${devices.length} sessions; ${minutes} minutes, ${connections} connections, a kill every ${killSeconds} s`,
  );
  const end = Date.now() + minutes * 60_000;
  const killing = killAgainAndAgain(end);
  const progress = setInterval(() => console.log(JSON.stringify(counts)), 5_000);
  await Promise.all(Array.from({ length: connections }, () => useUntil(end, devices)));
  await killing;
  clearInterval(progress);
  await checkAll(devices);
} finally {
  closeConnections();
  await service.stop();
}
console.log(counts);
for (const { seconds, mebibytes } of service.memory())
  console.log(`workerd after ${seconds} s: ${mebibytes} MiB`);
for (const failure of failures.slice(0, 20)) console.error(failure);
console.log(`soak: ${failures.length} failures`);
if (failures.length > 0 || counts.refreshes === 0 || counts.kills === 0) process.exitCode = 1;

async function createAll(): Promise<Device[]> {
  const devices: Device[] = [];
  while (devices.length < count) {
    const batch = Array.from(
      { length: Math.min(16, Math.ceil((count - devices.length) / LIMIT)) },
      async () => {
        const userId = randomUUID();
        for (let session = 0; session < LIMIT; session += 1) {
          const device = await create(userId, null);
          if (device !== null) devices.push(device);
        }
      },
    );
    await Promise.all(batch);
  }
  return devices;
}

/** A key makes the create safe to repeat, so no fault starts two. */
async function create(userId: string, expiresIn: number | null): Promise<Device | null> {
  const key = randomUUID();
  const started = Date.now();
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const answer = await ask('POST', '/v1/sessions', {
      headers: {
        'content-type': 'application/json',
        authorization: service.authorization,
        'idempotency-key': key,
      },
      body: JSON.stringify({
        user_id: userId,
        client_id: 'app',
        ...(expiresIn !== null && { expires_in: expiresIn }),
      }),
    });
    if (answer?.status === 201) {
      counts.created += 1;
      const { refresh_token: token } = JSON.parse(answer.body) as { refresh_token: string };
      const lastsMs = (expiresIn ?? 0) * 1000;
      const ends = { earliest: started + lastsMs, latest: Date.now() + lastsMs };
      return {
        userId,
        address: `192.0.2.${devices255()}`,
        token,
        isBusy: false,
        ends: expiresIn === null ? null : ends,
        endedBy: null,
        lost: new LostAnswers(),
      };
    }
    // Evicted at once by another create of the user.
    if (answer?.status === 409) return null;
    await sleep(50);
  }
  failures.push('a create was not answered in 200 tries');
  return null;
}

function devices255(): number {
  return 1 + Math.floor(Math.random() * 254);
}

async function useUntil(end: number, devices: Device[]): Promise<void> {
  while (Date.now() < end) {
    const device = devices[Math.floor(Math.random() * devices.length)] as Device;
    if (device.isBusy) {
      await sleep(1);
      continue;
    }
    device.isBusy = true;
    const wasOver = device.endedBy !== null;
    const die = Math.random();
    if (die < 0.002) await signOut(device);
    else if (die < 0.004) await replaceByShortLived(device, devices);
    else await refresh(device, die < 0.1 ? 2 : 1);
    // Its person signs in again.
    if (!wasOver && device.endedBy === 'theft') {
      const fresh = await create(device.userId, null);
      if (fresh !== null) devices.push(fresh);
    }
    device.isBusy = false;
  }
}

/** From as many tabs at once. Returns whether any was answered. */
async function refresh(device: Device, tabs: number): Promise<boolean> {
  const { token, lost } = device;
  const started = Date.now();
  lost.present(tabs);
  const all = await Promise.all(Array.from({ length: tabs }, () => exchange(device, token)));
  // The later of two may have found the token superseded for longer than the grace period.
  if (tabs > 1 && Date.now() - started >= GRACE_MS) lost.doubt();
  const answers = all.filter((one) => one !== null);
  // A session may end between the two, and does not begin again.
  answers.sort((one, other) => one.status - other.status);
  for (const answer of answers) judge(device, answer, started);
  const given = answers.filter(({ status }) => status === 200).map(({ body }) => tokenOf(body));
  if (tabs > 1) counts.pairs += 1;
  // Either may have found the token current within the grace period and kept it; of a step there is
  // one.
  const steps = given.filter((one) => secretOf(one) !== secretOf(token));
  if (new Set(steps.map(secretOf)).size > 1) failures.push('one token had two successors');
  const [step] = steps;
  if (step !== undefined) {
    device.token = step;
    lost.step();
  } else if (answers.length < tabs) lost.doubt();
  else if (given.length > 0) lost.keep();
  return answers.length > 0;
}

async function exchange({ address }: Device, token: string): Promise<Answer | null> {
  const answer = await ask('POST', '/oauth/token', {
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'cf-connecting-ip': address,
      'user-agent': 'soak',
    },
    body: `grant_type=refresh_token&client_id=app&refresh_token=${token}`,
  });
  counts.refreshes += 1;
  if (answer?.status === 503) counts.unavailable += 1;
  if (answer?.status === 429) counts.throttled += 1;
  return answer === null || answer.status === 503 || answer.status === 429 ? null : answer;
}

/** An answer that decides: good, or refused for a reason that this script knows of. */
function judge(device: Device, { status, body }: Answer, askedAt: number): void {
  const { ends, endedBy } = device;
  const isOver = endedBy !== null || (ends !== null && askedAt > ends.latest + SLACK_MS);
  const mayBeOver = isOver || (ends !== null && Date.now() > ends.earliest - SLACK_MS);
  if (status === 200) {
    if (isOver) failures.push(`a session was refreshed after its ${device.endedBy ?? 'limit'}`);
    device.token = tokenOf(body);
  } else if (
    !isOver &&
    body.includes('"reason":"reuse_detected"') &&
    device.lost.mayBeTakenForTheft()
  ) {
    device.endedBy = 'theft';
    counts.takenForTheft += 1;
  } else if (!mayBeOver)
    failures.push(`a good token was answered ${status}: ${body.slice(0, 200)}`);
}

async function signOut(device: Device): Promise<void> {
  const { token } = device;
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const answer = await ask('POST', '/oauth/revoke', {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `client_id=app&token=${token}`,
    });
    if (answer?.status === 200) {
      device.endedBy = 'sign-out';
      counts.signOuts += 1;
      return;
    }
    await sleep(50);
  }
  failures.push('a sign-out was not answered in 200 tries');
}

/**
 * A session that is over gives way to one that ends soon; of the same user, whose limit it has to
 * keep.
 */
async function replaceByShortLived(device: Device, devices: Device[]): Promise<void> {
  if (device.endedBy === null && device.ends === null) return;
  const fresh = await create(randomUUID(), SHORT_SECONDS);
  if (fresh !== null) devices.push(fresh);
}

async function killAgainAndAgain(end: number): Promise<void> {
  while (Date.now() + killSeconds * 1000 < end) {
    await sleep(killSeconds * 1000);
    await service.kill();
    counts.kills += 1;
  }
}

/**
 * Without faults in between: everyone who should be in is in, everyone who should be out is out,
 * and nobody has too many.
 */
async function checkAll(devices: Device[]): Promise<void> {
  for (const device of devices) {
    for (let attempt = 0; ; attempt += 1) {
      if (await refresh(device, 1)) break;
      if (attempt > 200) {
        failures.push('a refresh was not answered in 200 tries');
        break;
      }
      await sleep(20);
    }
  }
  for (const userId of new Set(devices.map((device) => device.userId))) {
    const listed = await list(userId);
    if (listed > LIMIT) failures.push(`a user has ${listed} sessions, of ${LIMIT}`);
  }
}

async function list(userId: string): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const answer = await ask('GET', `/v1/users/${userId}/sessions`, {
      headers: { authorization: service.authorization },
    });
    const body =
      answer?.status === 200
        ? (JSON.parse(answer.body) as { sessions: []; unanswered_homes?: [] })
        : null;
    if (body !== null && body.unanswered_homes === undefined) return body.sessions.length;
    await sleep(20);
  }
  failures.push('a list was not answered in 200 tries');
  return 0;
}

/** null: nobody answered, because workerd was killed. */
async function ask(
  method: string,
  path: string,
  { headers, body = '' }: { headers: Record<string, string>; body?: string },
): Promise<Answer | null> {
  await service.up();
  try {
    return await send({ method, url: new URL(path, service.url), headers, body });
  } catch {
    counts.unanswered += 1;
    await sleep(100);
    return null;
  }
}

function tokenOf(body: string): string {
  return (JSON.parse(body) as { refresh_token: string }).refresh_token;
}

/** Tokens of one secret may differ in the home that they name. */
function secretOf(token: string): string {
  const payload = token.split('.')[2] as string;
  return (JSON.parse(Buffer.from(payload, 'base64url').toString()) as { secret: string }).secret;
}

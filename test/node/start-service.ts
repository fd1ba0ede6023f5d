import { createHash, randomBytes } from 'node:crypto';
import type { TestProject } from 'vitest/node';
import { makeMigratedState } from './migrated-state.ts';
import { startService } from './service.ts';

declare module 'vitest' {
  interface ProvidedContext {
    origin: string;
    clientId: string;
    clientSecret: string;
  }
}

export default async function startOnce(project: TestProject): Promise<() => Promise<void>> {
  // Has sessions of its own, which no client of the demo has.
  const secret = randomBytes(32).toString('base64url');
  const backend = {
    client_id: 'backend',
    secret_sha256: createHash('sha256').update(secret).digest('hex'),
    allow: ['refresh', 'create_sessions', 'manage_users', 'introspect'],
    for_clients: ['backend', 'demo-app'],
  };
  const making = makeMigratedState();
  // It is waited for below.
  making.catch(() => {});
  // This service begins with nothing, as a bare checkout does; those that tests start do not.
  const service = await startService([], {}, [backend]);
  const state = await making.catch(async (error) => {
    await service.stop();
    throw error;
  });
  state.use();
  let isStopping = false;
  service.ended.then((code) => {
    if (!isStopping)
      console.error(`the service ended with ${code}:\n${service.output().slice(-5000)}`);
  });
  project.provide('origin', service.origin);
  project.provide('clientId', backend.client_id);
  project.provide('clientSecret', secret);
  return async () => {
    isStopping = true;
    await service.stop();
    await state.remove();
  };
}

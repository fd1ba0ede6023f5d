import type { TestProject } from 'vitest/node';
import { completeDevVars } from '../../scripts/dev-vars.ts';
import { startService } from './service.ts';

declare module 'vitest' {
  interface ProvidedContext {
    origin: string;
    clientId: string;
    clientSecret: string;
  }
}

export default async function startOnce(project: TestProject): Promise<() => Promise<void>> {
  const service = await startService();
  let isStopping = false;
  service.ended.then((code) => {
    if (!isStopping)
      console.error(`the service ended with ${code}:\n${service.output().slice(-5000)}`);
  });
  const devVars = completeDevVars(service.devVarsFile);
  project.provide('origin', service.origin);
  project.provide('clientId', devVars.DEMO_CLIENT_ID ?? '');
  project.provide('clientSecret', devVars.DEMO_CLIENT_SECRET ?? '');
  return async () => {
    isStopping = true;
    await service.stop();
  };
}

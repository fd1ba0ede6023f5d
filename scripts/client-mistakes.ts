/**
 * What is wrong with CLIENTS, by the Worker's own rules. Deployed, each mistake refuses one client
 * and no more, so that only here is it sure to be seen.
 */
import { bundleModule } from './bundle-client.ts';

interface Rules {
  parseClients: (
    text: string | undefined,
    riskPolicy: string,
    mistakes: string[],
  ) => { refusedClients: ReadonlyMap<string, readonly string[]> };
}

export async function findClientMistakes(text: string | undefined): Promise<string[]> {
  const code = Buffer.from(await bundleModule('src/config/parse-clients.ts')).toString('base64');
  const rules: Rules = await import(`data:text/javascript;base64,${code}`);
  const mistakes: string[] = [];
  const { refusedClients } = rules.parseClients(text, 'log', mistakes);
  return [...new Set([...mistakes, ...[...refusedClients.values()].flat()])];
}

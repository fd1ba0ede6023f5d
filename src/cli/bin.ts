/** The program of `npx edge-sessions`. */
import './old-node.ts';
import { main } from './main.ts';

// A reader that has seen enough, like `head`, ends the command and is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});
process.exitCode = await main(process.argv.slice(2));

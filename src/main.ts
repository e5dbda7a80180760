#!/usr/bin/env node
import { startService } from './main/start-service.ts';

const [command = 'serve', ...rest] = process.argv.slice(2);
// The service starts without the parser of the command line, which takes time to load.
if (command === 'serve' && rest.length === 0) await startService();
else {
  const { runProgram } = await import('./cli/program.ts');
  await runProgram(process.argv.slice(2));
}

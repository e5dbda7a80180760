/**
 * The npm scripts of the commands: `node scripts/kinship.mjs COMMAND`. Without a build, Node.js would answer with the
 * stack of an error about dist/main.js.
 */
import './require-node.mjs';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const program = new URL('../dist/main.js', import.meta.url);

if (existsSync(program)) {
  // The program names itself by this path.
  process.argv[1] = fileURLToPath(program);
  await import(program.href);
} else {
  console.error('The service is not built. Run: npm ci');
  process.exitCode = 1;
}

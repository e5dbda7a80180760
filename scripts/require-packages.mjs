/** Begins npm scripts: without the packages, a shell would only say that it does not know tsx or tsc. */
import './require-node.mjs';
import { existsSync } from 'node:fs';

if (!existsSync(new URL('../node_modules/tsx', import.meta.url))) {
  console.error('The packages are not installed. Run: npm ci');
  process.exitCode = 1;
}

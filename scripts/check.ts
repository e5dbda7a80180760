/**
 * Runs the scripts `check:…` of package.json, as many at a time as there are cores. Shows the output of each script
 * that fails. Start it by `npm run check`: npm adds the programs of packages to the PATH.
 */
import { exec } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
const waiting = Object.entries(scripts).filter(([name]) => name.startsWith('check:'));

process.stdout.write(`running ${waiting.map(([name]) => name).join(', ')}\n`);
await Promise.all(Array.from({ length: availableParallelism() }, runAll));

async function runAll(): Promise<void> {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    if (!(await run(...next))) process.exitCode = 1;
  }
}

/** Returns whether the command succeeds. */
function run(name: string, command: string): Promise<boolean> {
  const started = performance.now();
  return new Promise((resolve) => {
    exec(command, { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      const seconds = `${((performance.now() - started) / 1000).toFixed(1)} s`.padStart(7);
      process.stdout.write(`${error === null ? 'ok    ' : 'failed'} ${seconds}  ${name}\n`);
      if (error !== null) process.stdout.write(`${stdout}${stderr}\n`);
      resolve(error === null);
    });
  });
}

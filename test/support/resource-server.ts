import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Test } from 'tap';

/**
 * Starts the resource server of the documentation as a process, which ends with the test. Resolves to its
 * URL.
 */
export async function startResourceServer(
  t: Pick<Test, 'teardown'>,
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const child = spawn(process.execPath, ['docs/examples/resource-server.mjs'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  t.teardown(async () => {
    child.kill();
    await exited;
  });
  const ended = exited.then(([code]) => {
    throw new Error(`the resource server ended (exit code ${code}) before it was ready`);
  });
  const [url] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended]);
  return String(url);
}

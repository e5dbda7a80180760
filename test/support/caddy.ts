import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { prepareCleanup } from './cleanup.ts';
import { waitForPort } from './listening.ts';
import { skipFor } from './skip.ts';

const EXAMPLE = 'docs/examples/Caddyfile';

/** Returns whether Caddy is installed. If not, skips the test, or fails it with CI=true. */
export function requireCaddy(t: Pick<Test, 'plan'>): boolean {
  if (spawnSync('caddy', ['version']).status === 0) return true;
  skipFor(t, 'Caddy');
  return false;
}

/**
 * Starts a Caddy with the example, which ends with the test. It serves https://auth.example.com on `port` of 127.0.0.1
 * with this certificate. `log` is the path of its access log. `errorOutput()` returns what it wrote to standard error.
 */
export async function startCaddy(
  t: Pick<Test, 'teardown'>,
  { pem, port, upstream }: { readonly pem: string; readonly port: number; readonly upstream: number },
): Promise<{ readonly log: string; errorOutput(): string }> {
  const folder = await mkdtemp(join(tmpdir(), 'kinship-caddy-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const [certificate, log] = [join(folder, 'certificate.pem'), join(folder, 'access.log')];
  await writeFile(certificate, pem);
  const example = (await readFile(EXAMPLE, 'utf8'))
    .replace(
      'auth.example.com {',
      `https://auth.example.com:${port} {\nbind 127.0.0.1\ntls ${certificate} ${certificate}`,
    )
    .replace('127.0.0.1:3000', `127.0.0.1:${upstream}`)
    .replace('\tlog {\n\t\tformat', `\tlog {\noutput file ${log}\nformat`);
  await writeFile(join(folder, 'Caddyfile'), example.replace('{\n', '{\nadmin off\nauto_https off\n'));
  const child = spawn('caddy', ['run', '--adapter', 'caddyfile', '--config', 'Caddyfile'], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const orphaned = prepareCleanup('kill -9 "$1"', [String(child.pid)]);
  child.once('exit', orphaned.dismiss);
  const gone = once(child, 'exit');
  t.teardown(async () => {
    child.kill();
    await gone;
  });
  let said = '';
  child.stderr.on('data', (text: Buffer) => {
    said += text;
  });
  const ended = gone.then(() => {
    throw new Error(`Caddy ended before it was ready:\n${said}`);
  });
  await Promise.race([waitForPort(port), ended]);
  return { log, errorOutput: () => said };
}

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { prepareCleanup } from './cleanup.ts';
import { waitForPort } from './listening.ts';
import { skipFor } from './skip.ts';

const SERVER = 'nginx';

/** Debian does not put these folders on the PATH of ordinary users. */
const PATH = `${process.env.PATH}:/usr/sbin:/sbin`;

const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/** Returns whether nginx is installed. If not, skips the test, or fails it with CI=true. */
export function requireNginx(t: Pick<Test, 'plan'>): boolean {
  if (spawnSync(SERVER, ['-v'], { env: { PATH } }).status === 0) return true;
  skipFor(t, SERVER);
  return false;
}

/**
 * Starts an nginx that ends with the test. Resolves once it listens on `port` of 127.0.0.1. Rejects with its error
 * output if it ends before that. `site` is the content of its `http` block. `folder` has all files that it writes.
 */
export async function startNginx(
  t: Pick<Test, 'teardown'>,
  site: string,
  port: number,
): Promise<{ readonly folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'kinship-nginx-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'nginx.conf'), mainConfig(site));
  const args = ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr'];
  const child = spawn(SERVER, args, { env: { PATH }, stdio: ['ignore', 'ignore', 'pipe'] });
  const cleanup = prepareCleanup('kill -9 "$1"', [String(child.pid)]);
  child.once('exit', cleanup.dismiss);
  const gone = once(child, 'exit');
  t.teardown(async () => {
    child.kill();
    await gone;
  });
  let errorOutput = '';
  child.stderr.on('data', (text: Buffer) => {
    errorOutput += text;
  });
  const ended = gone.then(() => {
    throw new Error(`nginx ended before it was ready:\n${errorOutput}`);
  });
  await Promise.race([waitForPort(port), ended]);
  return { folder };
}

/** An example from docs/examples with the addresses of a test. Its logs are in the folder of the test's nginx. */
export async function exampleSite(
  file: string,
  replacements: Readonly<Record<string, string>>,
): Promise<string> {
  let text = await readFile(`docs/examples/${file}`, 'utf8');
  for (const [from, to] of Object.entries({ '/var/log/nginx/': '', ...replacements })) {
    if (!text.includes(from)) throw new Error(`${file} does not contain ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

/** The main configuration: nginx runs as one process in the foreground. */
function mainConfig(site: string): string {
  const paths = TEMPORARY.map((name) => `${name}_temp_path ${name};`);
  return `daemon off; master_process off; pid nginx.pid; events {}
    http { access_log off; ${paths.join(' ')}
    ${site}
    }`;
}

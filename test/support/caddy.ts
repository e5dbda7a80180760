import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { prepareCleanup } from './cleanup.ts';
import { waitForPort } from './listening.ts';
import { skipFor } from './skip.ts';

/** An example of docs/examples, and the name of its site. */
interface Example {
  readonly file: string;
  readonly host: string;
  /** What the test replaces, besides the address of the service. */
  readonly replacements?: Readonly<Record<string, string>>;
}

const PROXY: Example = { file: 'Caddyfile', host: 'auth.example.com' };

/** Returns whether Caddy is installed. If not, skips the test, or fails it with CI=true. */
export function requireCaddy(t: Pick<Test, 'plan'>): boolean {
  if (spawnSync('caddy', ['version']).status === 0) return true;
  skipFor(t, 'Caddy');
  return false;
}

interface CaddyOptions {
  readonly pem: string;
  readonly port: number;
  /** The port of the service. */
  readonly upstream: number;
  readonly example?: Example;
}

/**
 * Starts a Caddy with an example, which ends with the test. It serves the site of the example on `port` of 127.0.0.1
 * with this certificate. `log` is the path of its access log. `errorOutput()` returns what it wrote to standard error.
 */
export async function startCaddy(
  t: Pick<Test, 'teardown'>,
  { pem, port, upstream, example = PROXY }: CaddyOptions,
): Promise<{ readonly log: string; errorOutput(): string }> {
  const folder = await mkdtemp(join(tmpdir(), 'kinship-caddy-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const [certificate, log] = [join(folder, 'certificate.pem'), join(folder, 'access.log')];
  await writeFile(certificate, pem);
  const { file, host, replacements = {} } = example;
  let text = await readFile(`docs/examples/${file}`, 'utf8');
  for (const [from, to] of Object.entries({
    [`${host} {`]: `https://${host}:${port} {\nbind 127.0.0.1\ntls ${certificate} ${certificate}`,
    '127.0.0.1:3000': `127.0.0.1:${upstream}`,
    ...replacements,
  })) {
    if (!text.includes(from)) throw new Error(`${file} does not contain ${from}`);
    text = text.replaceAll(from, to);
  }
  text = text.replace('\tlog {\n\t\tformat', `\tlog {\noutput file ${log}\nformat`);
  await writeFile(join(folder, 'Caddyfile'), text.replace('{\n', '{\nadmin off\nauto_https off\n'));
  const child = spawn('caddy', ['run', '--adapter', 'caddyfile', '--config', 'Caddyfile'], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
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
    throw new Error(`Caddy ended before it was ready:\n${errorOutput}`);
  });
  await Promise.race([waitForPort(port), ended]);
  return { log, errorOutput: () => errorOutput };
}

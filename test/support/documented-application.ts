import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Test } from 'tap';
import { prepareCleanup } from './cleanup.ts';

const FILE = /^`([\w./-]+)`\n\n```\w+\n([\s\S]*?)^```$/gm;

/** Writes each code block of the page that follows a line with the name of a file. Resolves to these names. */
export async function writeFilesOf(page: string, folder: string): Promise<readonly string[]> {
  const files = [...page.matchAll(FILE)].map(([, name = '', text = '']) => ({ name, text }));
  for (const { name, text } of files) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return files.map(({ name }) => name);
}

/**
 * Links the packages that the page installs with `npm install`. They come from this repository, not from a registry.
 */
export async function linkPackagesOf(page: string, folder: string): Promise<void> {
  const [, packages = ''] = /npm install ([^)\n]+)/.exec(page) ?? [];
  for (const named of packages.split(' ')) {
    const target = resolve(named.replace(/^(?!\.)/, 'node_modules/').replace('../kinship/', ''));
    const { name } = JSON.parse(await readFile(join(target, 'package.json'), 'utf8')) as { name: string };
    await mkdir(join(folder, 'node_modules'), { recursive: true });
    await symlink(target, join(folder, 'node_modules', name));
  }
}

/**
 * Starts the application of the page in `folder` by its own script `start`. Resolves to its URL, which it prints. `env`
 * overrides the application's `.env`. The process ends with the test.
 */
export async function startShop(
  t: Pick<Test, 'teardown'>,
  folder: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { scripts } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const [, ...args] = scripts.start.split(' ');
  const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const gone = once(child, 'exit');
  const cleanup = prepareCleanup('kill -9 "$1"', [String(child.pid)]);
  child.once('exit', cleanup.dismiss);
  t.teardown(async () => {
    child.kill();
    await gone;
  });
  const ended = gone.then(([code]) => {
    throw new Error(`the application ended (exit code ${code}) before it was ready`);
  });
  const [url] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended]);
  return String(url);
}

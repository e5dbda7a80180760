import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface Compose {
  /** Shows what it does; throws if that fails. */
  run(...args: string[]): void;
  /** What it writes; throws if it fails. */
  read(...args: string[]): string;
}

/** A compose project: its folder, the arguments before the command, and what is added to the environment. */
export interface Project {
  readonly folder: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** Starts the project, and whatever happens takes it down again, volumes and all. */
export async function withCompose(
  project: Project,
  work: (compose: Compose) => Promise<void>,
): Promise<void> {
  const compose = composeIn(project);
  try {
    compose.run('up', '--build', '--detach', '--wait');
    await work(compose);
  } catch (error) {
    compose.run('logs', '--tail', '20');
    throw error;
  } finally {
    compose.run('down', '--volumes', '--remove-orphans');
  }
}

function composeIn({ folder, args, environment }: Project): Compose {
  const command = (rest: string[]) => ['compose', '--env-file', '/dev/null', ...args, ...rest];
  const options = { cwd: folder, env: { ...process.env, ...environment } };
  return {
    run: (...rest) => void execFileSync('docker', command(rest), { ...options, stdio: 'inherit' }),
    read: (...rest) => execFileSync('docker', command(rest), { ...options, encoding: 'utf8' }),
  };
}

/** What git knows of the project, as it lies here. */
export function copyOfProject(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kinship-compose-'));
  const names = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    encoding: 'utf8',
  });
  for (const name of names.split('\0').filter((one) => one !== '')) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    cpSync(name, join(folder, name));
  }
  return folder;
}

import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface Compose {
  /** Runs a command of docker compose and shows its output. Throws if the command fails. */
  run(...args: string[]): void;
  /** Runs a command and returns its standard output. Throws if the command fails. */
  read(...args: string[]): string;
  /** Runs a command that must fail, and returns its output. Throws if the command succeeds. */
  fail(...args: string[]): string;
}

/** A compose project: its folder, and the arguments before the command. */
export interface Project {
  readonly folder: string;
  readonly args: readonly string[];
  /** Keeps the volumes for a later start of the same project. After an error they are always removed. */
  readonly keepVolumes?: boolean;
}

/** Copies `.env.example` to `.env`, with these values. */
export function writeDotEnv(folder: string, values: Readonly<Record<string, string>>): void {
  const lines = readFileSync(join(folder, '.env.example'), 'utf8').split('\n');
  const written = lines.map((line) => {
    const [name = ''] = line.split('=');
    return name in values ? `${name}=${values[name]}` : line;
  });
  writeFileSync(join(folder, '.env'), written.join('\n'));
}

/** Starts the project, does the work and returns its result. Removes the project, also after an error. */
export async function withCompose<T>(project: Project, work: (compose: Compose) => Promise<T>): Promise<T> {
  const compose = composeIn(project);
  const remove = ['down', '--remove-orphans'];
  let result: T;
  try {
    compose.run('up', '--build', '--detach', '--wait');
    result = await work(compose);
  } catch (error) {
    compose.run('logs', '--tail', '20');
    compose.run(...remove, '--volumes');
    throw error;
  }
  compose.run(...remove, ...(project.keepVolumes ? [] : ['--volumes']));
  return result;
}

function composeIn({ folder, args }: Project): Compose {
  const command = (rest: string[]) => ['compose', ...args, ...rest];
  const options = { cwd: folder };
  return {
    run: (...rest) => void execFileSync('docker', command(rest), { ...options, stdio: 'inherit' }),
    read: (...rest) => execFileSync('docker', command(rest), { ...options, encoding: 'utf8' }),
    fail: (...rest) => {
      const { status, stdout, stderr } = spawnSync('docker', command(rest), {
        ...options,
        encoding: 'utf8',
      });
      if (status === 0) throw new Error(`docker compose ${rest.join(' ')} did not fail`);
      return stdout + stderr;
    },
  };
}

/** Copies the files that git does not ignore to a temporary folder, and returns its path. */
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

/** Copies the files of a commit to a temporary folder, and returns its path. */
export function copyOfCommit(commit: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'kinship-compose-'));
  const archive = execFileSync('git', ['archive', commit], { maxBuffer: 256 * 1024 * 1024 });
  execFileSync('tar', ['--extract', '--directory', folder], { input: archive });
  return folder;
}

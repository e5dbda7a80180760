import { accessSync, constants, readFileSync } from 'node:fs';
import { basename, delimiter, dirname, join, relative } from 'node:path';

/** How this process was started. */
export interface Invocation {
  /** The path of the program. It may be a link in `node_modules/.bin`. */
  readonly program: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The command line that runs a command of this program from the current folder, for hints to the operator. `words` is
 * the command with its arguments, such as `keys rotate`. The command `kinship` exists only after an installation, and
 * `npx kinship` without an installation would run a stranger's package.
 */
export function commandLine(words: string, { program, cwd, env }: Invocation = currentInvocation()): string {
  // The compose files name the command of the machine: people do not run commands inside of the container.
  if (env.KINSHIP_COMMAND) return `${env.KINSHIP_COMMAND} ${words}`;
  const isScript = env.npm_package_name === 'kinship' && (env.npm_lifecycle_event ?? 'npx') !== 'npx';
  // The sources run in a checkout only.
  if (isScript || program.endsWith('.ts')) return toNpmScript(words);
  const folder = dirname(program);
  if (basename(folder) === '.bin') {
    const home = dirname(dirname(folder));
    const specifier = readNpxPackage(home);
    if (specifier !== null) return `npx --yes ${quote(specifier)} ${words}`;
    if (!relative(home, cwd).startsWith('..')) return `npx kinship ${words}`;
  }
  if (isExecutableOnPath('kinship', env.PATH ?? '')) return `kinship ${words}`;
  const path = relative(cwd, program);
  return `node ${quote(path.startsWith('..') ? program : path)} ${words}`;
}

function currentInvocation(): Invocation {
  return { program: process.argv[1] ?? '', cwd: process.cwd(), env: process.env };
}

function toNpmScript(words: string): string {
  const [command = '', ...rest] = words.split(' ');
  if (command === 'serve') return 'npm start';
  return `npm run ${command}${rest.length === 0 ? '' : ` -- ${rest.join(' ')}`}`;
}

/** The package that `npx` was told to run, such as a file; null outside of the cache of `npx`. */
function readNpxPackage(home: string): string | null {
  try {
    const { _npx: npx } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as {
      _npx?: { packages?: readonly string[] };
    };
    return npx?.packages?.[0] ?? null;
  } catch {
    return null;
  }
}

/** Ignores the folders that npm and npx add for their own processes. */
function isExecutableOnPath(name: string, path: string): boolean {
  return path
    .split(delimiter)
    .filter((folder) => folder !== '' && basename(folder) !== '.bin')
    .some((folder) => {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Quotes a path for a shell if it needs that. */
function quote(path: string): string {
  return /^[\w./@:+~-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

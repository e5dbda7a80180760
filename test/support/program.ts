import { fileURLToPath } from 'node:url';

/** Built tests start built processes. A test that tsx runs starts processes that tsx runs. */
const isBuilt = import.meta.url.endsWith('.js');

const LOADER = isBuilt ? [] : ['--import', 'tsx'];

/** The folder of the built tests (scripts/build-tests.ts), or of the sources. */
const ROOT = new URL('.', import.meta.resolve('#package.json'));

/** Arguments of node that run the program. */
export const PROGRAM = [...LOADER, pathOf(isBuilt ? 'dist/main.js' : 'src/main.ts')];

/** Arguments of node that run a module of the tests. */
export const moduleArguments = (module: string) => [...LOADER, modulePath(module)];

/** Arguments of node, before those of the program, that load a module of the tests first. */
export const importArguments = (module: string) => [...LOADER, '--import', modulePath(module)];

/** Arguments of node that evaluate code, which imports modules by {@link modulePath}. */
export const evalArguments = (code: string) => [...LOADER, '--input-type=module', '--eval', code];

/**
 * Arguments of node that evaluate code, which imports modules dynamically. For code that starts worker threads: they
 * inherit the arguments, and refuse `--input-type`.
 */
export const scriptArguments = (code: string) => [...LOADER, '--eval', code];

/** The path of a module that is named from the root of the repository. scripts/build-tests.ts lists these modules. */
export function modulePath(module: string): string {
  return pathOf(isBuilt ? module.replace(/\.ts$/, '.js') : module);
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, ROOT));
}

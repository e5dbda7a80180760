import { buildConsole } from '../../scripts/build-console.ts';
import { readConsoleFiles } from '../../src/adapters/http/console/files.ts';

/** Bundles the console into an empty folder, and reads its files. */
export async function builtConsole(folder: string) {
  await buildConsole(folder);
  return readConsoleFiles(folder);
}

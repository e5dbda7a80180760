/**
 * Puts aside the coverage of processes that tsx loaded: it gives a source another shape than tap does, and figures
 * that are put together from both shapes call lines untouched that were run.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';

const TAP = new URL('../.tap/', import.meta.url);

for (const name of readdirSync(new URL('processinfo/', TAP))) {
  const { execArgv } = JSON.parse(readFileSync(new URL(`processinfo/${name}`, TAP), 'utf8'));
  if (execArgv.some((arg: string) => arg.includes('tsx')))
    rmSync(new URL(`coverage/${name}`, TAP), { force: true });
}

import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves when it is so; an error means that it is not yet. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 120; attempt += 1) {
    if (await isSo(holds)) return;
    await sleep(500);
  }
  throw new Error(`Waited a minute in vain: ${what}.`);
}

export function say(line: string): void {
  process.stdout.write(`ok - ${line}\n`);
}

async function isSo(holds: () => boolean | Promise<boolean>): Promise<boolean> {
  try {
    return await holds();
  } catch {
    return false;
  }
}

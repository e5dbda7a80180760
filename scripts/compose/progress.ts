import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves when `holds` returns true. An error of `holds` counts as false. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 120; attempt += 1) {
    if (await isTrue(holds)) return;
    await sleep(500);
  }
  throw new Error(`This did not happen within a minute: ${what}.`);
}

export function say(line: string): void {
  process.stdout.write(`ok - ${line}\n`);
}

async function isTrue(holds: () => boolean | Promise<boolean>): Promise<boolean> {
  try {
    return await holds();
  } catch {
    return false;
  }
}

import { once } from 'node:events';
import type { Writable } from 'node:stream';

/** Writes to standard output. Waits for a slow reader, so that long output does not pile up in memory. */
export async function write(text: string, output: Writable = process.stdout): Promise<void> {
  if (!output.write(text)) await once(output, 'drain');
}

/**
 * Loaded into a service by `--import`, with `--expose-gc`. SIGWINCH writes a line of JSON with the bytes in use. SIGIO
 * writes a heap snapshot to the file HEAP_SNAPSHOT, then the same line. The service itself uses neither signal.
 */
import { writeSync } from 'node:fs';
import { writeHeapSnapshot } from 'node:v8';

function writeBytesInUse(): void {
  // The second collection frees what the finalizers of the first one released.
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  writeSync(1, `${JSON.stringify({ heapProbe: heapUsed + external })}\n`);
}

process.on('SIGWINCH', writeBytesInUse);
process.on('SIGIO', () => {
  writeHeapSnapshot(process.env.HEAP_SNAPSHOT);
  writeBytesInUse();
});

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Test } from 'tap';

/** A process that reads the other end of a pipe. */
export interface LogReader {
  /** What it has read so far. */
  readonly lines: string[];
  /** Resolves with the first line that contains the words, whether or not it has been read already. */
  find(words: string): Promise<string>;
  /** SIGSTOP: it stops reading, and the pipe stays open. */
  freeze(): void;
  thaw(): void;
  /** SIGKILL: afterwards the pipe has no reader. */
  kill(): Promise<void>;
}

/**
 * A named pipe, which is removed with the test. `open` starts a reader, and resolves with the reader and the write end.
 * Close the write end in this process once the child process has inherited it.
 */
export async function namedPipe(t: Pick<Test, 'teardown'>) {
  const folder = await mkdtemp(join(tmpdir(), 'kinship-pipe-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const path = join(folder, 'pipe');
  if (spawnSync('mkfifo', [path]).status !== 0) throw new Error('mkfifo failed');
  return {
    async open(): Promise<{ reader: LogReader; end: FileHandle }> {
      const child = spawn('cat', [path], { stdio: ['ignore', 'pipe', 'ignore'] });
      t.teardown(() => child.kill('SIGKILL'));
      const reader = readerOf(child, child.stdout);
      return { reader, end: await open(path, 'w') };
    },
  };
}

function readerOf(child: ChildProcess, output: NodeJS.ReadableStream): LogReader {
  const lines: string[] = [];
  const input = createInterface({ input: output }).on('line', (line) => lines.push(line));
  return {
    lines,
    find(words) {
      const found = lines.find((line) => line.includes(words));
      if (found !== undefined) return Promise.resolve(found);
      return new Promise((resolve) => {
        input.on('line', (line) => {
          if (line.includes(words)) resolve(line);
        });
      });
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    async kill() {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

import type { Writable } from 'node:stream';
import type { DestinationStream } from 'pino';

/** Bytes of lines that may wait for the reader. Further lines are dropped. */
const MAX_WAITING_BYTES = 1_048_576;

/**
 * Maximum bytes of one write, unless one line is longer. A pipe accepts this many bytes in one piece (PIPE_BUF in
 * pipe(7)). So the lines of several workers on one pipe do not mix.
 */
const MAX_WRITE_BYTES = 4_096;

/** Milliseconds from a failed write to the next attempt. Until then, new lines are dropped. */
const RETRY_PAUSE = 1_000;

/** Milliseconds that a flush waits for the reader. */
const FLUSH_DEADLINE = 500;

export interface LineOutput extends DestinationStream {
  /** Lines dropped since the start. */
  droppedLines(): number;
  /** Calls back when every waiting line is written, or after `FLUSH_DEADLINE`. */
  flush(done: () => void): void;
  /** Writes all waiting lines, as far as the reader accepts them at once. For the exit of the process. */
  writeAtExit(): void;
}

/**
 * Writes lines to a stream in bounded memory, even if the reader of the stream stalls or closes. The lines of one turn
 * of the event loop are written together. At most one write runs at a time. Writes to pipes, sockets and terminals do
 * not block. Writes to files are synchronous.
 *
 * When writes succeed again, `onResumed` is called with the number of dropped lines.
 */
export function createLineOutput(stream: Writable, onResumed: (dropped: number) => void): LineOutput {
  let lines: string[] = [];
  let waitingBytes = 0;
  let isWriting = false;
  let isScheduled = false;
  let dropped = 0;
  let unreported = 0;
  let retryAt = 0;
  let flushes: (() => void)[] = [];
  // The callback of each write handles the error. Without this listener, the event `error` would end the process.
  stream.on('error', () => {});

  return {
    write(line) {
      const bytes = Buffer.byteLength(line);
      if (waitingBytes + bytes > MAX_WAITING_BYTES || performance.now() < retryAt) return drop(1);
      lines.push(line);
      waitingBytes += bytes;
      if (isScheduled || isWriting) return;
      isScheduled = true;
      setImmediate(() => {
        isScheduled = false;
        writeWaiting();
      });
    },

    droppedLines: () => dropped,

    flush(done) {
      writeWaiting();
      if (!isWriting) return done();
      const timer = setTimeout(done, FLUSH_DEADLINE);
      flushes.push(() => {
        clearTimeout(timer);
        done();
      });
    },

    writeAtExit() {
      unblock(stream);
      while (lines.length > 0) stream.write(takeChunk().text);
    },
  };

  function writeWaiting(): void {
    if (isWriting || lines.length === 0) return;
    const { count, bytes, text } = takeChunk();
    isWriting = true;
    unblock(stream);
    stream.write(text, (error) => {
      isWriting = false;
      waitingBytes -= bytes;
      if (error) giveUp(count);
      else reportResumption();
      if (lines.length > 0) writeWaiting();
      else endFlushes();
    });
  }

  function takeChunk() {
    let [count, bytes] = [0, 0];
    for (const line of lines) {
      const size = Buffer.byteLength(line);
      if (count > 0 && bytes + size > MAX_WRITE_BYTES) break;
      count += 1;
      bytes += size;
    }
    const text = lines.slice(0, count).join('');
    lines = lines.slice(count);
    return { count, bytes, text };
  }

  /** Drops the lines of the failed write and all waiting lines, because the reader may never return. */
  function giveUp(count: number): void {
    drop(count + lines.length);
    lines = [];
    waitingBytes = 0;
    retryAt = performance.now() + RETRY_PAUSE;
  }

  function drop(count: number): void {
    dropped += count;
    unreported += count;
  }

  /** Waits until half of the buffer is free. Otherwise a slow reader would cause a report after every write. */
  function reportResumption(): void {
    if (unreported === 0 || waitingBytes > MAX_WAITING_BYTES / 2) return;
    const count = unreported;
    unreported = 0;
    onResumed(count);
  }

  function endFlushes(): void {
    const ended = flushes;
    flushes = [];
    for (const end of ended) end();
  }
}

/**
 * Makes the next write return at once if the reader accepts no bytes. By default Node.js stops the whole process while
 * a terminal accepts none. That happens after Ctrl-S, or in a container with a terminal whose log driver stalls. The
 * mode of a pipe or a socket belongs to all processes that share it. Node.js makes it blocking whenever it starts a
 * process, and often when it ends. So a worker that starts or ends changes the mode for all others.
 */
function unblock(stream: Writable): void {
  type Handle = { readonly _handle?: { setBlocking?(isBlocking: boolean): void } };
  (stream as unknown as Handle)._handle?.setBlocking?.(false); // Node.js has no public function for this
}

import type { Writable } from 'node:stream';
import type { DestinationStream } from 'pino';

/** Bytes of lines that may wait for the reader. Further lines are dropped. */
const MOST_WAITING = 1_048_576;

/** Milliseconds between two attempts while the reader is gone. Lines are dropped meanwhile. */
const RETRY_PAUSE = 1_000;

/** Milliseconds that a flush waits for the reader. */
const FLUSH_DEADLINE = 500;

export interface LineOutput extends DestinationStream {
  /** Lines dropped since the start. */
  droppedLines(): number;
  /** Calls back when every waiting line is written, or when the deadline is over. */
  flush(done: () => void): void;
}

/**
 * Writes lines to a stream whose reader may stall or go away, in bounded memory. The lines of one turn of the event
 * loop are one write, and one write is under way at a time. The stream must not block, which holds for pipes and
 * sockets; files and terminals are written at once.
 *
 * `onResumed` gets the number of lines that were dropped, once the output moves again.
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
  // Each failed write reports its error to its own callback, too. Without a listener the event would end the process.
  stream.on('error', () => {});

  return {
    write(line) {
      const bytes = Buffer.byteLength(line);
      if (waitingBytes + bytes > MOST_WAITING || performance.now() < retryAt) return drop(1);
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
  };

  function writeWaiting(): void {
    if (isWriting || lines.length === 0) return;
    const [count, bytes] = [lines.length, waitingBytes];
    const chunk = lines.join('');
    lines = [];
    isWriting = true;
    stream.write(chunk, (error) => {
      isWriting = false;
      waitingBytes -= bytes;
      if (error) giveUp(count);
      else reportResumption();
      if (lines.length > 0) writeWaiting();
      else endFlushes();
    });
  }

  /** The lines of the failed write, and those behind it: the reader is gone, and may never come back. */
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

  /** With half of the room free, or a reader that is merely slow would be reported after every write. */
  function reportResumption(): void {
    if (unreported === 0 || waitingBytes > MOST_WAITING / 2) return;
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

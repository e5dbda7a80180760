import type { StartEvents } from '../compose/stores.ts';
import { formatCount } from '../domain/plural.ts';

/** The control sequence that returns to the start of the line and clears it. */
const CLEAR = '\r\u001b[K';

const BAR_WIDTH = 20;

/** Milliseconds between two drawings of the bar without new progress, and between two plain lines. */
const PAUSE = { bar: 200, line: 10_000 };

interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface Progress {
  /**
   * Shows how much of the work is done. `what` names the units. `total` is null if the total is unknown. `current` names
   * the unit that is being done.
   */
  show(what: string, done: number, total: number | null, current?: string): void;
  /** Removes the bar until it is drawn again, so that the caller can print a line. */
  clear(): void;
  /** Removes the bar. No call may follow, except another `end`. */
  end(): void;
}

/**
 * Shows the progress of long work. On a terminal it redraws a bar. Elsewhere it prints a line for each new `what` and
 * every ten seconds. `clock` returns milliseconds.
 */
export function createProgress(output: Output, clock: () => number): Progress {
  const started = clock();
  const isTerminal = output.isTTY === true;
  let shown = { what: '', done: 0, total: null as number | null, current: '' };
  let timer: NodeJS.Timeout | undefined;

  return {
    show(what, done, total, current = '') {
      const isNew = what !== shown.what;
      shown = { what, done, total, current };
      if (isTerminal || isNew) draw();
      timer ??= setInterval(draw, isTerminal ? PAUSE.bar : PAUSE.line).unref();
    },
    clear,
    end() {
      clearInterval(timer);
      clear();
    },
  };

  function clear(): void {
    if (isTerminal && shown.what !== '') output.write(CLEAR);
  }

  function draw(): void {
    const { what, done, total, current } = shown;
    const seconds = Math.round((clock() - started) / 1_000);
    const count = total === null ? formatCount(done) : `${formatCount(done)} of ${formatCount(total)}`;
    const line = `${count} ${what}${current === '' ? '' : `, now ${current}`}, ${seconds} s`;
    if (isTerminal)
      output.write(`${CLEAR}${`${formatBar(done, total)} ${line}`.slice(0, (output.columns || 80) - 1)}`);
    else output.write(`${line}\n`);
  }
}

/** Returns callbacks that show the steps of a start that take long. Null: they show nothing. */
export function showStart(progress: Progress | null): StartEvents {
  return {
    onCreateDatabase: () => progress?.show('steps', 0, 2, 'creating the embedded database'),
    onMigration: ({ name, number, total }) => progress?.show('migrations', number, total, name),
  };
}

/** Without a total the bar is empty. */
function formatBar(done: number, total: number | null): string {
  const filled =
    total === null || total === 0 ? 0 : Math.min(BAR_WIDTH, Math.round((BAR_WIDTH * done) / total));
  return `[${'='.repeat(filled)}${' '.repeat(BAR_WIDTH - filled)}]`;
}

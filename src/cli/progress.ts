/** Back to the start of the line, and nothing on it. */
const CLEAR = '\r\u001b[K';

/** A count that grows: on a terminal one line that is written anew each time, elsewhere a line at the end. */
export function progressOn(
  output: { readonly isTTY?: boolean; write(text: string): unknown },
  what: string,
  clock: () => number,
) {
  const started = clock();
  let count = 0;

  function line(): string {
    const seconds = Math.max(clock() - started, 1) / 1000;
    return `${count} ${what}, ${Math.round(count / seconds)} a second`;
  }

  return {
    add(more: number): void {
      count += more;
      if (output.isTTY) output.write(`${CLEAR}${line()}`);
    },
    end(remark: string): void {
      output.write(`${output.isTTY ? CLEAR : ''}${line()}${remark}\n`);
    },
  };
}

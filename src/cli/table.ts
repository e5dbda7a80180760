const GAP = '  ';

/** Columns are not narrowed below this number of characters. */
const MIN_WIDTH = 20;

/**
 * Rows of text in aligned columns. In a table that is wider than `maxWidth` characters, the text of the widest columns
 * is wrapped.
 */
export function formatTable(
  rows: readonly (readonly string[])[],
  maxWidth = Number.POSITIVE_INFINITY,
): string {
  const cells = rows.map((row) => row.map(replaceControlCharacters));
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(...cells.map((row) => row[column]?.length ?? 0)),
  );
  const fitted = narrow(widths, maxWidth);
  return cells
    .flatMap((row) => linesOf(row, fitted))
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

function narrow(widths: readonly number[], maxWidth: number): number[] {
  const fitted = [...widths];
  const total = () => fitted.reduce((sum, width) => sum + width, (fitted.length - 1) * GAP.length);
  while (total() > maxWidth) {
    const widest = Math.max(...fitted);
    if (widest <= MIN_WIDTH) break;
    fitted[fitted.indexOf(widest)] = widest - 1;
  }
  return fitted;
}

function linesOf(row: readonly string[], widths: readonly number[]): string[] {
  const wrapped = row.map((cell, column) => wrap(cell, widths[column] ?? 0));
  const height = Math.max(...wrapped.map(({ length }) => length));
  return Array.from({ length: height }, (_, line) =>
    wrapped.map((cell, column) => (cell[line] ?? '').padEnd(widths[column] ?? 0)).join(GAP),
  );
}

/** Breaks a text at spaces. A word that is longer than the width stays whole, so that it can be copied. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Replaces control characters. Names that clients and users chose can contain line ends and terminal sequences. */
export function replaceControlCharacters(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\u{fffd}');
}

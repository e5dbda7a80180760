import type { ComponentChildren } from 'preact';

interface Props {
  readonly label: string;
  readonly caption: string;
  readonly columns: readonly string[];
  /** The rows. */
  readonly children: ComponentChildren;
}

/**
 * A table. In a narrow window each row is a block, and each cell has the name of its column above it: see `app.css`. A
 * wide table scrolls sideways.
 */
export function Table({ label, caption, columns, children }: Props) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a table that scrolls must be reachable by keyboard
    <section class="scroll" tabIndex={0} aria-label={label}>
      <table style={namesOf(columns)}>
        <caption>{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}

/** The names of the columns as the CSS properties `--column-1`, `--column-2` and so on. */
function namesOf(columns: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    columns.map((column, index) => [`--column-${index + 1}`, JSON.stringify(column)]),
  );
}

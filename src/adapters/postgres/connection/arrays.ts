/**
 * Arrays of text and of UUIDs. They are declared here, because the driver would otherwise query their types on each new
 * connection.
 */
export const ARRAY_TYPES = {
  textArray: { to: 1009, from: [1009], serialize: toArrayLiteral, parse: readArrayLiteral },
  uuidArray: { to: 2951, from: [2951], serialize: toArrayLiteral, parse: readArrayLiteral },
};

type Elements = readonly (string | null)[];

function toArrayLiteral(items: Elements): string {
  const written = items.map((item) => (item === null ? 'NULL' : `"${item.replace(/["\\]/g, '\\$&')}"`));
  return `{${written.join(',')}}`;
}

/** The elements of a one-dimensional array literal. An unquoted NULL is null, a quoted one is text. */
function readArrayLiteral(literal: string): Elements {
  const elements = literal.slice(1, -1).match(/"(?:\\.|[^"\\])*"|[^,]+/gs) ?? [];
  return elements.map((element) => {
    if (element.startsWith('"')) return element.slice(1, -1).replace(/\\(.)/gs, '$1');
    return element === 'NULL' ? null : element;
  });
}

/** Arrays of text and of UUIDs, declared here so that the driver does not have to ask each new connection for them. */
export const ARRAY_TYPES = {
  textArray: { to: 1009, from: [1009], serialize: toArrayLiteral, parse: readArrayLiteral },
  uuidArray: { to: 2951, from: [2951], serialize: toArrayLiteral, parse: readArrayLiteral },
};

function toArrayLiteral(items: readonly string[]): string {
  return `{${items.map((item) => `"${item.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;
}

/** The elements of an array with one dimension and no nulls, as PostgreSQL writes it. */
function readArrayLiteral(literal: string): string[] {
  const elements = literal.slice(1, -1).match(/"(?:\\.|[^"\\])*"|[^,]+/gs) ?? [];
  return elements.map((element) =>
    element.startsWith('"') ? element.slice(1, -1).replace(/\\(.)/gs, '$1') : element,
  );
}

/**
 * A statement with one parameter, which `$1` marks, for the driver's tag: ``sql(statementText('… $1 …'), value)``. The
 * text is built once. The driver assembles a template with nested fragments again at each call.
 */
export function statementText(text: string): TemplateStringsArray {
  const parts = text.split('$1');
  if (parts.length !== 2) throw new Error('The statement must have the parameter $1 once.');
  return Object.assign(parts, { raw: parts });
}

/** The names and types of the columns of a JSON record, for `json_to_recordset`. */
export function columnTypes(types: Readonly<Record<string, string>>): string {
  return Object.entries(types)
    .map(([name, type]) => `${name} ${type}`)
    .join(', ');
}

/** The columns of a table, separated by commas. */
export function columnsOf(table: string, names: readonly string[]): string {
  return names.map((name) => `${table}.${name}`).join(', ');
}

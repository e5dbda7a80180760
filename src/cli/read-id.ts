const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function isId(text: string): boolean {
  return UUID.test(text);
}

/** An id in the form in which it is stored. Throws if the text is no UUID. */
export function readId(text: string): string {
  if (!isId(text)) throw new Error(`${text} is no UUID.`);
  return text.toLowerCase();
}

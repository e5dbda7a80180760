/** The maximum length of a quoted text, in code points. */
const LONGEST = 200;

/**
 * Makes an untrusted text safe for a mail: one line, limited length, no control, invisible or direction characters.
 * Text that mail programs turn into a link is broken up. Otherwise a thief could send a link to the victim in a
 * `User-Agent`.
 */
export function quoteText(text: string): string {
  const line = text
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .replaceAll('://', '[:]//')
    .replace(/\.(?=\p{L})/gu, '[.]');
  const characters = [...line];
  return characters.length > LONGEST ? `${characters.slice(0, LONGEST - 1).join('')}…` : line;
}

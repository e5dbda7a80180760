/** Longer ones say nothing more to a person. In code points. */
const LONGEST = 200;

/**
 * A text from outside as it may stand in a letter: on one line, without controls, invisible and direction marks,
 * cut to a bearable length. What mail programs would turn into a link on their own is broken up, or a thief could
 * write to the victim through a `User-Agent`.
 */
export function quoted(text: string): string {
  const line = text
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .replaceAll('://', '[:]//')
    .replace(/\.(?=\p{L})/gu, '[.]');
  const characters = [...line];
  return characters.length > LONGEST ? `${characters.slice(0, LONGEST - 1).join('')}…` : line;
}

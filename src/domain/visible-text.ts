/**
 * The characters that names and reasons must not contain, for a class of a regular expression: control characters,
 * unpaired surrogates, line ends, and characters that change the direction of text. Without these characters a text
 * stays on one line and does not change the text around it.
 */
export const UNPRINTABLE = '\\p{Cc}\\p{Cs}\\p{Zl}\\p{Zp}\\p{Bidi_Control}';

const HAS_UNPRINTABLE = new RegExp(`[${UNPRINTABLE}]`, 'u');

/** U+2800 is the Braille pattern without dots. */
const VISIBLE = /[^\p{C}\p{White_Space}\p{Default_Ignorable_Code_Point}\u2800]/gu;

/** The length of the reason that an operator states for a change. `visible`: how many characters must be visible. */
export const STATED_REASON = { visible: 3, most: 200 } as const;

/** Why this is no reason for a change, as the end of a sentence; null if it is acceptable. */
export function statedReasonFault(reason: string): string | null {
  const { visible, most } = STATED_REASON;
  const count = reason.match(VISIBLE)?.length ?? 0;
  return count >= visible && [...reason].length <= most && !HAS_UNPRINTABLE.test(reason)
    ? null
    : `must be one line of at most ${most} characters, at least ${visible} of them visible`;
}

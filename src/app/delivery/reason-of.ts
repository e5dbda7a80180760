import { errorMessage } from '../../lib/errors.ts';

const LONGEST = 500;

/** The time of the search for addresses grows with the square of the length, and a server chooses the text. */
const LONGEST_INPUT = 4 * LONGEST;

/**
 * Why a delivery failed, for the log and the outbox: one line without mail addresses. Mail servers quote addresses,
 * which are personal data.
 */
export function reasonOf(error: unknown): string {
  return (
    errorMessage(error)
      .slice(0, LONGEST_INPUT)
      .replace(/[\p{Cc}\s]+/gu, ' ')
      .replace(/[^\s<>()[\]"',;:=]+@[^\s<>()[\]"',;:=]+/g, '[address]')
      .slice(0, LONGEST)
      // PostgreSQL refuses an unpaired surrogate in JSON. The slice or the sender of the text may leave one.
      .replace(/\p{Cs}/gu, '\u{fffd}')
  );
}

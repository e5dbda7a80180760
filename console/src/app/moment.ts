import { momentInWords as inWords } from '../../../src/domain/life/words.ts';

/** Day and time of a moment in UTC, with the year if it is not the current year. */
export const momentInWords = (at: number) => inWords(at, Date.now());

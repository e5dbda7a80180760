import { momentInWords as inWords } from '../../../src/domain/life/words.ts';

/** Day and time of a moment in UTC, with its year where that is not the current one. */
export const momentInWords = (at: number) => inWords(at, Date.now());

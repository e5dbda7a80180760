import { Refusal } from '../../../domain/refusal.ts';
import { parseTime } from '../../../lib/time.ts';

/**
 * The time in a member of a request, in milliseconds since the epoch. Its schema has checked the form. Throws a
 * {@link Refusal} `invalid_request` that begins with `subject`.
 */
export function readTime(text: string, subject: string): number {
  const time = parseTime(text);
  if (time === null)
    throw new Refusal(
      'invalid_request',
      `${subject} must be a time of the years 1 to 9999, without a leap second.`,
    );
  return time;
}

import { Refusal } from '../domain/refusal.ts';
import { isCanonicalUuid } from '../domain/user-id.ts';

/** A position in a list that is ordered by time and id. Milliseconds since the epoch. */
export interface TimePosition {
  readonly time: number;
  readonly id: string;
}

/** The cursor of a position, for the next page of a list. */
export function cursorAt({ time, id }: TimePosition): string {
  return `${time.toString(36)}.${id}`;
}

/** The position of a cursor. Throws a {@link Refusal} `invalid_request` if the cursor is not valid. */
export function readCursor(cursor: string): TimePosition {
  const [, time = '', id = ''] = /^([0-9a-z]{1,9})\.(.*)$/.exec(cursor) ?? [];
  if (!isCanonicalUuid(id))
    throw new Refusal('invalid_request', 'The cursor must be the nextCursor of an earlier answer.');
  return { time: Number.parseInt(time, 36), id };
}

import type { TokenFamily } from '../../domain/token-family.ts';
import type { Clock } from '../../ports/clock.ts';
import type { FamilyPage, TokenFamilies } from '../../ports/stores/token-families.ts';
import { cursorAt, readCursor } from '../time-cursor.ts';

export interface SessionPage {
  readonly items: readonly TokenFamily[];
  /** The cursor of the next page; absent on the last page. */
  readonly nextCursor?: string;
}

export type ListSessions = (
  userId: string | null,
  limit: number,
  cursor: string | null,
) => Promise<SessionPage>;

/**
 * The live sessions of a user, newest first. With `userId` null: those of all users. Rejects with a {@link Refusal}
 * `invalid_request` if the cursor is not valid.
 */
export const listSessions =
  ({ families, clock }: { readonly families: TokenFamilies; readonly clock: Clock }): ListSessions =>
  async (userId, limit, cursor) => {
    const after = cursor === null ? null : positionOf(cursor);
    const found = await families.list(userId, { now: clock(), limit: limit + 1, after });
    const items = found.slice(0, limit);
    const last = items.at(-1);
    return found.length > limit && last !== undefined ? { items, nextCursor: cursorOf(last) } : { items };
  };

type Position = NonNullable<FamilyPage['after']>;

function positionOf(cursor: string): Position {
  const { time, id } = readCursor(cursor);
  return { createdAt: time, tokenFamily: id };
}

function cursorOf({ createdAt, tokenFamily }: Position): string {
  return cursorAt({ time: createdAt, id: tokenFamily });
}

import { canonicalUserId } from '../../domain/user-id.ts';
import type { Clock } from '../../ports/clock.ts';
import type { FamilyFilter, TokenFamilies } from '../../ports/stores/token-families.ts';
import type { SessionPage } from '../sessions/list-sessions.ts';
import { cursorAt, readCursor } from '../time-cursor.ts';

/** What an operator looks for. A member that is absent does not restrict the result. */
export interface SessionQuery {
  readonly userId?: string;
  /** Default: `live`. */
  readonly state?: FamilyFilter['state'];
  /** In canonical form. */
  readonly address?: string;
  readonly client?: string;
  readonly agent?: string;
}

export type FindSessions = (
  query: SessionQuery,
  page: { readonly limit: number; readonly cursor: string | null },
) => Promise<SessionPage>;

/**
 * Finds sessions, newest first. A page that is not the last can have fewer sessions than `limit`, or none. Rejects with
 * a {@link Refusal} `invalid_request` if the cursor is not valid.
 */
export const findSessions =
  ({
    families,
    clock,
  }: {
    readonly families: Pick<TokenFamilies, 'search'>;
    readonly clock: Clock;
  }): FindSessions =>
  async (query, { limit, cursor }) => {
    const position = cursor === null ? null : readCursor(cursor);
    const after = position && { createdAt: position.time, tokenFamily: position.id };
    const { families: items, next } = await families.search(filterOf(query), { now: clock(), limit, after });
    return next === null
      ? { items }
      : { items, nextCursor: cursorAt({ time: next.createdAt, id: next.tokenFamily }) };
  };

function filterOf({ userId, state = 'live', client, agent, address }: SessionQuery): FamilyFilter {
  return {
    userId: userId === undefined ? null : canonicalUserId(userId),
    state,
    ...(client !== undefined && { clientId: client }),
    ...(agent !== undefined && { agent }),
    ...(address !== undefined && { address }),
  };
}

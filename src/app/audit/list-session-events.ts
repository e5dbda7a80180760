import { Refusal } from '../../domain/refusal.ts';
import type { TokenFamily } from '../../domain/token-family.ts';
import type { AuditLog } from '../../ports/stores/audit-log.ts';
import type { TokenFamilies } from '../../ports/stores/token-families.ts';
import { type EventPage, type PageRequest, readPage } from './event-page.ts';

/** The recorded events of a session. `family` is null where the session ended so long ago that its row is gone. */
export interface SessionEvents extends EventPage {
  readonly family: TokenFamily | null;
}

export type ListSessionEvents = (sessionId: string, page: PageRequest) => Promise<SessionEvents>;

/**
 * The life of a session: its recorded events. Rejects with a {@link Refusal}: `not_found` if the session is unknown and
 * has no events, `invalid_request` for an invalid cursor.
 */
export const listSessionEvents =
  ({
    families,
    auditLog,
  }: {
    readonly families: Pick<TokenFamilies, 'find'>;
    readonly auditLog: AuditLog;
  }): ListSessionEvents =>
  async (sessionId, page) => {
    const found = await readPage(auditLog, { sessionId }, page);
    const family = await families.find(sessionId);
    if (family === null && page.cursor === null && found.items.length === 0) throw new Refusal('not_found');
    return { family, ...found };
  };

import type { LifeSession } from '../../../src/domain/life/life.ts';
import { apiPathOfSession, call, listQuery, ServiceRefusal } from './api.ts';

export interface SessionPage {
  readonly items: readonly LifeSession[];
  readonly nextCursor?: string;
}

/** The query parameters that a page of the console passes on to the list of the admin API. */
const SESSION_FIELDS = ['userId', 'address', 'agent', 'client', 'state', 'cursor'] as const;

export function listSessions(pageQuery: URLSearchParams, signal: AbortSignal) {
  return call<SessionPage>('GET', `/admin/sessions?${listQuery(pageQuery, SESSION_FIELDS)}`, { signal });
}

/** Whether a session has this id: it lives, or the audit log has its events. */
export async function isSessionId(id: string, signal: AbortSignal): Promise<boolean> {
  try {
    await call('GET', `${apiPathOfSession(id)}/events?limit=1`, { signal });
    return true;
  } catch (error) {
    if (error instanceof ServiceRefusal && error.status === 404) return false;
    throw error;
  }
}

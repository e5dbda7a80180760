import type { LifeSession } from '../../../src/domain/life/life.ts';
import { call, listQuery } from './api.ts';

export interface SessionPage {
  readonly items: readonly LifeSession[];
  readonly nextCursor?: string;
}

/** The query parameters that a page of the console passes on to the list of the admin API. */
const SESSION_FIELDS = ['userId', 'address', 'agent', 'client', 'state', 'cursor'] as const;

export function listSessions(pageQuery: URLSearchParams, signal: AbortSignal) {
  return call<SessionPage>('GET', `/admin/sessions?${listQuery(pageQuery, SESSION_FIELDS)}`, { signal });
}

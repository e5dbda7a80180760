import type { LifeSession } from '../../../src/domain/life/life.ts';
import { call, listQuery } from './api.ts';

export interface SessionPage {
  readonly items: readonly LifeSession[];
  readonly nextCursor?: string;
}

/** The parameters of the list that a page of the console has in its own query. */
const SESSION_FIELDS = ['userId', 'address', 'agent', 'client', 'state', 'cursor'] as const;

export function listSessions(place: URLSearchParams, signal: AbortSignal) {
  return call<SessionPage>('GET', `/admin/sessions?${listQuery(place, SESSION_FIELDS)}`, { signal });
}

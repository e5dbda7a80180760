import type { LifeSession } from '../../../src/domain/life/life.ts';
import { call } from './api.ts';

export interface SessionPage {
  readonly items: readonly LifeSession[];
  readonly nextCursor?: string;
}

/** The parameters of the list that a page of the console has in its own query. */
export const SESSION_FIELDS = ['userId', 'address', 'agent', 'client', 'state', 'cursor'] as const;

export function listSessions(place: URLSearchParams, signal: AbortSignal) {
  const query = new URLSearchParams({ limit: '50' });
  for (const field of SESSION_FIELDS) {
    const value = place.get(field);
    if (value) query.set(field, value);
  }
  return call<SessionPage>('GET', `/admin/sessions?${query}`, { signal });
}

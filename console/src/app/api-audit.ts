import type { LifeEvent } from '../../../src/domain/life/life.ts';
import { call } from './api.ts';

/** An event of the audit log in the admin API. */
export interface AuditItem extends LifeEvent {
  readonly userId: string | null;
  readonly sessionId: string | null;
  readonly actor: { readonly kind: string; readonly name?: string };
  readonly data: Readonly<Record<string, unknown>>;
}

interface AuditPage {
  readonly data: readonly AuditItem[];
  readonly nextCursor?: string;
}

/** The fields of the filter. They have the names of the query of `GET /admin/audit`. Times are in RFC 3339 form. */
export const FILTER_FIELDS = ['type', 'user', 'session', 'from', 'to'] as const;

export type AuditFilter = { readonly [Field in (typeof FILTER_FIELDS)[number]]?: string };

/** Lists the events that the query of the page `/audit` selects, newest first. */
export function listAudit(pageQuery: URLSearchParams, signal: AbortSignal) {
  const query = new URLSearchParams({ order: 'newest', limit: '50' });
  for (const field of [...FILTER_FIELDS, 'cursor']) {
    const value = pageQuery.get(field);
    if (value !== null) query.set(field, value);
  }
  return call<AuditPage>('GET', `/admin/audit?${query}`, { signal });
}

import { call } from './api.ts';

/** An endpoint in the admin API. */
export interface Endpoint {
  readonly id: string;
  readonly url: string;
  readonly types: readonly string[];
  readonly format: string;
  readonly audience?: string;
  readonly contact?: string;
  readonly receiver?: string;
  readonly state: 'enabled' | 'paused' | 'disabled';
  readonly disabledBecause?: string;
  readonly failingSince?: string;
  readonly createdAt: string;
}

interface Attempt {
  readonly at: string;
  readonly milliseconds: number;
  readonly status?: number;
  readonly reason?: string;
}

/** A delivery in the admin API. */
export interface Delivery {
  readonly eventId: string;
  readonly type: string;
  readonly occurredAt: string;
  readonly state: 'pending' | 'delivered' | 'failed';
  readonly nextAttemptAt?: string;
  readonly attempts: readonly Attempt[];
}

interface DeliveryPage {
  readonly items: readonly Delivery[];
  readonly nextCursor?: string;
}

/** Milliseconds for which the service keeps deliveries. */
const DELIVERY_LIFE = 7 * 86_400_000;

/** The id comes from the URL of the page, which can hold anything. */
const pathOf = (id: string) => `/admin/webhooks/${encodeURIComponent(id)}`;

export const listEndpoints = (signal: AbortSignal) =>
  call<{ readonly items: readonly Endpoint[] }>('GET', '/admin/webhooks', { signal });

export const readEndpoint = (id: string, signal: AbortSignal) =>
  call<Endpoint>('GET', pathOf(id), { signal });

export function listDeliveries(id: string, cursor: string | null, signal: AbortSignal) {
  const query = new URLSearchParams({ limit: '50', ...(cursor !== null && { cursor }) });
  return call<DeliveryPage>('GET', `${pathOf(id)}/deliveries?${query}`, { signal });
}

export const setEnabled = (id: string, enabled: boolean, reason: string) =>
  call('PATCH', pathOf(id), { body: { enabled }, reason });

export const sendAgain = (id: string, eventId: string, reason: string) =>
  call('POST', `${pathOf(id)}/deliveries/${eventId}/send`, { reason });

/** Repeats the failed deliveries that are still stored: at most 5,000 in one request, the oldest first. */
export function sendFailedAgain(id: string, reason: string) {
  const now = Date.now();
  const [from, to] = [now - DELIVERY_LIFE, now].map((at) => new Date(at).toISOString());
  return call('POST', `${pathOf(id)}/deliveries/send`, { body: { from, to, onlyFailed: true }, reason });
}

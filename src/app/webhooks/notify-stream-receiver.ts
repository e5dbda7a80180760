import { STREAM_UPDATED } from '../../domain/streams.ts';
import type { WebhookEndpoint } from '../../domain/webhooks.ts';
import type { Clock } from '../../ports/clock.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { WebhookDeliveries } from '../../ports/stores/webhook-deliveries.ts';

interface Deps {
  readonly webhookDeliveries: Pick<WebhookDeliveries, 'add'>;
  readonly newId: NewId;
  readonly clock: Clock;
}

/**
 * Notifies the receiver of a stream that this service changed the stream's status (SSF 1.0 section 8.1.5). Does nothing
 * for other endpoints.
 */
export async function notifyStreamReceiver(
  { webhookDeliveries, newId, clock }: Deps,
  { id, owner, state }: WebhookEndpoint,
  reason: string,
): Promise<void> {
  if (owner === null) return;
  const data = { status: state, reason };
  await webhookDeliveries.add(id, { id: newId(), type: STREAM_UPDATED, occurredAt: clock(), data });
}

import type { Clock } from '../../ports/clock.ts';
import type { WebhookSender } from '../../ports/delivery/webhook-sender.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { DataSealer } from '../../ports/security/data-sealer.ts';
import type { WebhookSignatures } from '../../ports/security/webhook-signatures.ts';
import type { WebhookDeliveries } from '../../ports/stores/webhook-deliveries.ts';
import type { WebhookEndpoints } from '../../ports/stores/webhook-endpoints.ts';

/** The dependencies of the use cases of endpoints. */
export interface EndpointDeps {
  readonly webhookEndpoints: WebhookEndpoints;
  readonly webhookDeliveries: WebhookDeliveries;
  readonly webhookSender: Pick<WebhookSender, 'refusalOf'>;
  readonly webhookSignatures: WebhookSignatures;
  readonly sealer: DataSealer;
  /** Whether ACCESS_TOKEN_ALG is asymmetric, so that receivers can verify tokens by the published keys. */
  readonly signsEventTokens: boolean;
  readonly clock: Clock;
  readonly newId: NewId;
}

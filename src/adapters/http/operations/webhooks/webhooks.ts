import type { ServiceKey } from '../../../../domain/service-key.ts';
import type { App } from '../../server/app.ts';
import { requireServiceKey } from '../../server/service-keys.ts';
import { type DeliveryOptions, deliveryRoutes } from './deliveries.ts';
import { type EndpointOptions, endpointRoutes } from './endpoints.ts';

export interface WebhookOptions extends EndpointOptions, DeliveryOptions {
  readonly serviceKeys: readonly ServiceKey[];
}

/** Routes of operators about webhooks, with a service key of scope `admin`. Must be registered in a scope of their own. */
export function webhookRoutes(scope: App, options: WebhookOptions): void {
  requireServiceKey(scope, options.serviceKeys, 'admin');
  endpointRoutes(scope, options);
  deliveryRoutes(scope, options);
}

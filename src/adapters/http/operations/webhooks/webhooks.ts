import type { App } from '../../server/app.ts';
import { type OperatorOptions, requireOperator } from '../../server/operators.ts';
import { type DeliveryOptions, deliveryRoutes } from './deliveries.ts';
import { type EndpointOptions, endpointRoutes } from './endpoints.ts';

export interface WebhookOptions extends EndpointOptions, DeliveryOptions, OperatorOptions {}

/** The webhook routes for operators: see {@link requireOperator}. Must be registered in a scope of their own. */
export async function webhookRoutes(scope: App, options: WebhookOptions, withCookie: boolean): Promise<void> {
  await requireOperator(scope, options, withCookie);
  endpointRoutes(scope, options);
  deliveryRoutes(scope, options);
}

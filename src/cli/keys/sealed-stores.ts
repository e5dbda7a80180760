import type { Sql } from '../../adapters/postgres/connect.ts';
import { createSecondFactors } from '../../adapters/postgres/second-factors.ts';
import { createWebhookEndpoints } from '../../adapters/postgres/webhook-endpoints.ts';
import type { Policy } from '../../domain/policy.ts';
import type { SealedRows } from '../../ports/stores/sealed-rows.ts';

/** Every store that holds secrets sealed under DATA_ENCRYPTION_KEY. */
export function sealedStores(sql: Sql, policy: Policy): readonly SealedRows[] {
  return [createSecondFactors(sql, policy), createWebhookEndpoints(sql)];
}

import { DEAD_AFTER, type WebhookEndpoint } from '../../domain/webhooks.ts';
import type { Log } from '../../ports/log.ts';
import type { WebhookEndpoints } from '../../ports/stores/webhook-endpoints.ts';
import type { Telemetry } from '../../ports/telemetry.ts';
import { stateChange, type UpdateDeps, updateEndpoint } from './update-endpoint.ts';

interface Deps extends UpdateDeps {
  readonly webhookEndpoints: Pick<WebhookEndpoints, 'find' | 'list' | 'change'>;
  readonly telemetry: Pick<Telemetry, 'webhookDisabled'>;
  readonly log: Log;
}

/** Disables the endpoints that have failed for too long. Returns the number of endpoints that this call disabled. */
export const disableDead = (deps: Deps): (() => Promise<number>) => {
  const { webhookEndpoints, telemetry, clock, log } = deps;
  return async () => {
    let count = 0;
    for (const endpoint of await webhookEndpoints.list())
      if (isDead(endpoint) && (await disable(endpoint.id))) count += 1;
    return count;
  };

  function isDead({ state, failingSince }: WebhookEndpoint): boolean {
    return state === 'enabled' && failingSince !== null && failingSince < clock() - DEAD_AFTER;
  }

  /** False if the endpoint was disabled or repaired in the meantime. */
  async function disable(id: string): Promise<boolean> {
    const { isChanged } = await updateEndpoint(deps, {
      read: () => webhookEndpoints.find(id),
      decide: (endpoint) =>
        isDead(endpoint)
          ? stateChange(endpoint, 'disabled', 'dead', 'Every delivery has failed for five days.')
          : {},
      origin: null,
      notifiesReceiver: true,
    });
    if (!isChanged) return false;
    telemetry.webhookDisabled('dead');
    log.warn({ endpointId: id }, 'webhook endpoint disabled: every delivery failed for five days');
    return true;
  }
};

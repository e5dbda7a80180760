import type { Variables } from './environment.ts';
import type { Readers } from './values.ts';

export interface WebhooksConfig {
  /** Addresses and CIDRs of internal networks that webhooks may be sent to. */
  readonly allowedNetworks: readonly string[];
}

export function readWebhooks({ WEBHOOKS_ALLOW_PRIVATE }: Variables, read: Readers): WebhooksConfig {
  const wants = 'addresses or CIDRs such as 10.1.2.0/24, comma-separated';
  return {
    allowedNetworks: read
      .list(WEBHOOKS_ALLOW_PRIVATE)
      .map((network) => read.network('WEBHOOKS_ALLOW_PRIVATE', network, wants)),
  };
}

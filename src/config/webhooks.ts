import { resolve } from 'node:path';
import type { DeclaredEndpoint } from '../domain/webhooks.ts';
import type { Variables } from './environment.ts';
import type { Readers } from './values.ts';
import { readWebhooksFile } from './webhooks-file.ts';

export interface WebhooksConfig {
  /** Addresses and CIDRs of internal networks that webhooks may be sent to. */
  readonly allowedNetworks: readonly string[];
  /** The endpoints of WEBHOOKS_FILE; none without the variable. */
  readonly declared: readonly DeclaredEndpoint[];
}

export function readWebhooks(
  { WEBHOOKS_ALLOW_PRIVATE, WEBHOOKS_FILE }: Variables,
  cwd: string,
  read: Readers,
): WebhooksConfig {
  const wanted = 'addresses or CIDRs such as 10.1.2.0/24, comma-separated';
  return {
    allowedNetworks: read
      .list(WEBHOOKS_ALLOW_PRIVATE)
      .map((network) => read.network('WEBHOOKS_ALLOW_PRIVATE', network, wanted)),
    declared: WEBHOOKS_FILE === '' ? [] : readWebhooksFile(resolve(cwd, WEBHOOKS_FILE), read),
  };
}

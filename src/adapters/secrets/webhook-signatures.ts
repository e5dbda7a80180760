import { createHmac, randomBytes } from 'node:crypto';
import type { WebhookSignatures } from '../../ports/security/webhook-signatures.ts';

const PREFIX = 'whsec_';

/** Standard Webhooks allows 24 to 64 bytes. */
const BYTES = 32;

/** Signs as Standard Webhooks 1.0 does, scheme `v1`: HMAC-SHA-256 over id, timestamp and body. */
export function createWebhookSignatures(): WebhookSignatures {
  return {
    makeSecret: () => PREFIX + randomBytes(BYTES).toString('base64'),

    sign: (secrets, { id, timestamp, body }) =>
      secrets
        .map((secret) => {
          const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
          return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
        })
        .join(' '),
  };
}

import { CONTENT_TYPE, toCloudEvent } from '../../../domain/cloud-event.ts';
import type { WebhookSignatures } from '../../../ports/security/webhook-signatures.ts';
import { signingSecrets } from '../credentials.ts';
import type { Format } from './format.ts';

/**
 * The format `webhook`: a CloudEvent in JSON, signed according to Standard Webhooks 1.0. `webhook-id` is the id of the
 * event: it is the same at every attempt and on RabbitMQ. `webhook-timestamp` is the time of the attempt.
 */
export const cloudEventFormat =
  ({ signatures, source }: { readonly signatures: WebhookSignatures; readonly source: string }): Format =>
  async ({ event, credentials, trace, now }) => {
    const body = JSON.stringify(toCloudEvent({ id: event.id, event, trace }, source));
    const timestamp = Math.floor(now / 1000);
    const signedContent = { id: event.id, timestamp, body };
    return {
      headers: {
        'content-type': CONTENT_TYPE,
        'webhook-id': event.id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': signatures.sign(signingSecrets(credentials, now), signedContent),
      },
      body,
    };
  };

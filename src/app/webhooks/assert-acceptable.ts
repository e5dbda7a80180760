import { isMailbox } from '../../domain/mailbox.ts';
import { Refusal } from '../../domain/refusal.ts';
import { type DeliveryFormat, isKnownPattern } from '../../domain/webhooks.ts';
import type { EndpointDeps } from './endpoint-deps.ts';
import { typesOfFormat } from './formats/types-of-format.ts';

interface Wanted {
  readonly url?: string;
  readonly types?: readonly string[];
  readonly contact?: string | null;
}

/** Throws a {@link Refusal} `invalid_request` if an endpoint cannot have these values. */
export function assertAcceptable(
  { webhookSender }: Pick<EndpointDeps, 'webhookSender'>,
  format: DeliveryFormat,
  { url, types, contact }: Wanted,
): void {
  if (url !== undefined) assertDeliverable({ webhookSender }, url, 'The url');
  const unknown = types?.find((pattern) => !isKnownPattern(pattern));
  if (unknown !== undefined)
    throw new Refusal('invalid_request', `No event has the type ${JSON.stringify(unknown)}.`);
  const possible = typesOfFormat(format);
  const other = types?.find((type) => possible !== null && !possible.includes(type));
  if (other !== undefined)
    throw new Refusal(
      'invalid_request',
      `The format ${format} cannot carry the type ${JSON.stringify(other)}. It can carry ${possible?.join(', ')}.`,
    );
  if (contact !== undefined && contact !== null && !isMailbox(contact))
    throw new Refusal('invalid_request', 'The contact must be one plain mail address.');
}

/**
 * Throws a {@link Refusal} `invalid_request` if the service never sends requests to the URL. The detail of the refusal
 * begins with `name`.
 */
export function assertDeliverable(
  { webhookSender }: Pick<EndpointDeps, 'webhookSender'>,
  url: string,
  name: string,
): void {
  const refusal = webhookSender.refusalOf(url);
  if (refusal !== null)
    throw new Refusal('invalid_request', `${name} is not accepted for deliveries: ${refusal}.`);
}

/**
 * Throws a {@link Refusal} `invalid_request` if ACCESS_TOKEN_ALG is HS512: receivers do not have its secret key, so
 * they cannot verify tokens.
 */
export function assertSignsEventTokens({ signsEventTokens }: Pick<EndpointDeps, 'signsEventTokens'>): void {
  if (signsEventTokens) return;
  throw new Refusal(
    'invalid_request',
    'Receivers verify these tokens by the published keys. Set ACCESS_TOKEN_ALG to an asymmetric algorithm first.',
  );
}

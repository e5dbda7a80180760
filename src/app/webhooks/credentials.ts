import { FORMER_SECRET_AGE, type WebhookEndpoint } from '../../domain/webhooks.ts';
import type { DataSealer } from '../../ports/security/data-sealer.ts';

/** The secrets of an endpoint, which its row stores sealed. */
export interface Credentials {
  /** The secret that signs; absent where the format has none. */
  readonly secret?: string;
  readonly former?: { readonly secret: string; readonly until: number };
  /** The `Authorization` header that the receiver of a stream asked for. */
  readonly authorization?: string;
}

type Sealed = Pick<WebhookEndpoint, 'id' | 'sealedCredentials'>;

export function sealCredentials(
  sealer: DataSealer,
  endpointId: string,
  credentials: Credentials,
): Promise<string> {
  return sealer.seal(endpointId, JSON.stringify(credentials));
}

/** Rejects with a {@link Refusal} `unavailable` if the key is not configured. */
export async function openCredentials(
  sealer: DataSealer,
  { id, sealedCredentials: sealed }: Sealed,
): Promise<Credentials> {
  return sealed === null ? {} : JSON.parse(await sealer.open({ rowId: id, sealed }));
}

/** The secrets that sign now, newest first. */
export function signingSecrets({ secret, former }: Credentials, now: number): string[] {
  if (secret === undefined) return [];
  return former !== undefined && now < former.until ? [secret, former.secret] : [secret];
}

/** The former secret signs for a while, so that the receiver can change to the new secret without a failure. */
export function rotateSecret(credentials: Credentials, secret: string, now: number): Credentials {
  if (credentials.secret === undefined) return { ...credentials, secret };
  return {
    ...credentials,
    secret,
    former: { secret: credentials.secret, until: now + FORMER_SECRET_AGE },
  };
}

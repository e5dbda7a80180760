/** What a service key permits. */
export const SERVICE_KEY_SCOPES = [
  'login',
  'admin',
  'introspect',
  'verify',
  'metrics',
  'confidential',
  'dpop',
  'signals',
] as const;

export type ServiceKeyScope = (typeof SERVICE_KEY_SCOPES)[number];

/** A key that a trusted service presents, for example as `x-api-key`. Its name is the client id of its sessions. */
export interface ServiceKey {
  readonly name: string;
  readonly scopes: readonly ServiceKeyScope[];
  readonly secret: string;
}

/** The client id of sessions that no service key opened. */
export const OWN_CLIENT_ID = 'kinship';

/**
 * Whether a name is {@link OWN_CLIENT_ID} in any letter case. No service key may have it: an application could take
 * its sessions for those that the service opened itself.
 */
export function isOwnClientId(name: string): boolean {
  return name.toLowerCase() === OWN_CLIENT_ID;
}

import { hostOf } from '../lib/hosts.ts';
import type { Variables } from './environment.ts';
import type { HttpConfig } from './http.ts';
import type { Readers } from './values.ts';

export interface PasskeysConfig {
  /** The domain that passkeys are bound to (RP ID of WebAuthn). */
  readonly rpId: string;
  /** The origins whose pages may use passkeys. */
  readonly origins: readonly string[];
}

/** Browsers accept an origin whose host is the RP ID or a subdomain of it. */
export function readPasskeys(
  { PASSKEY_RP_ID, PASSKEY_ORIGINS }: Variables,
  { publicUrl, port }: Pick<HttpConfig, 'publicUrl' | 'port'>,
  read: Readers,
): PasskeysConfig {
  const origin = publicUrl ?? `http://localhost:${port}`;
  const rpId =
    PASSKEY_RP_ID === '' ? hostOf(origin) : read.host('PASSKEY_RP_ID', PASSKEY_RP_ID).toLowerCase();
  const named = read.list(PASSKEY_ORIGINS).map((value) => read.origin('PASSKEY_ORIGINS', value));
  const origins = named.length === 0 ? [origin] : named;
  const foreignOrigins = origins.filter((one) => one !== '' && !belongsTo(hostOf(one), rpId));
  if (foreignOrigins.length > 0 && (PASSKEY_RP_ID !== '' || PASSKEY_ORIGINS !== ''))
    read.reportInvalid(
      'PASSKEY_ORIGINS',
      foreignOrigins.join(', '),
      `origins whose host is PASSKEY_RP_ID (${rpId}) or a subdomain of it`,
    );
  return { rpId, origins };
}

function belongsTo(host: string, rpId: string): boolean {
  return host === rpId || host.endsWith(`.${rpId}`);
}

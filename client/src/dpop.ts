import { createClient as createBearerClient } from './client.js';
import { createDpopFetch } from './dpop-fetch.js';
import { createKeyGetter, type DpopKeyOptions } from './dpop-key.js';
import type { ClientOptions, SessionClient } from './types.js';

export * from './index.js';

export interface DpopClientOptions extends ClientOptions, DpopKeyOptions {}

export interface DpopSessionClient extends SessionClient {
  /**
   * Thumbprint of the client's key (RFC 7638). A backend that logs the user in passes it as `dpopJkt`, and hands the
   * pair to `adopt`.
   */
  dpopJkt(): Promise<string>;
}

/**
 * Creates a client whose logins bind the session to a key that never leaves this device (RFC 9449). The key is in
 * IndexedDB, and scripts cannot export it. A copy of the tokens is worthless elsewhere. Needs a page with TLS, or
 * localhost.
 */
export function createClient(options: DpopClientOptions): DpopSessionClient {
  const getKey = createKeyGetter(options);
  const fetch = createDpopFetch(options.fetch ?? globalThis.fetch, getKey);
  return {
    ...createBearerClient({ ...options, fetch }),
    dpopJkt: async () => (await getKey()).jkt,
  };
}

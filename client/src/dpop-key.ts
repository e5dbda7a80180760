import { loadSharedKey } from './dpop-key-store.js';
import type { ClientOptions } from './types.js';

/** The key of this client: P-256, for ES256. Its private half cannot be exported. */
export interface DpopKey {
  readonly privateKey: CryptoKey;
  readonly publicJwk: JsonWebKey;
  /** Thumbprint (RFC 7638). */
  readonly jkt: string;
}

export interface DpopKeyOptions extends Pick<ClientOptions, 'name' | 'storage'> {
  /**
   * The key of the client, for ES256. Default: a key that is made once and kept in IndexedDB, for all tabs. Without
   * IndexedDB, or with `storage: null`, the key is in memory. A reload then loses the key, and the user must log in.
   */
  readonly dpopKey?: CryptoKeyPair;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' };

/**
 * Returns a function that returns the key. The first call reads or makes the key. After a failure, the next call tries
 * again.
 */
export function createKeyGetter({
  name = 'kinship',
  storage,
  dpopKey,
}: DpopKeyOptions): () => Promise<DpopKey> {
  const isShared = storage !== null && globalThis.indexedDB !== undefined;
  let key: Promise<DpopKey> | undefined;
  return () => {
    key ??= load().catch((error: unknown) => {
      key = undefined;
      throw error;
    });
    return key;
  };

  async function load(): Promise<DpopKey> {
    return toDpopKey(dpopKey ?? (isShared ? await loadSharedKey(name, generate) : await generate()));
  }
}

export async function sha256(text: string): Promise<string> {
  return toBase64Url(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
}

export function toBase64Url(bytes: ArrayBuffer | Uint8Array): string {
  const text = String.fromCharCode(...new Uint8Array(bytes));
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

async function toDpopKey({ privateKey, publicKey }: CryptoKeyPair): Promise<DpopKey> {
  const { crv, kty, x, y } = await crypto.subtle.exportKey('jwk', publicKey);
  // The members of a thumbprint are in the order of their names.
  const publicJwk = { crv, kty, x, y } as JsonWebKey;
  return { privateKey, publicJwk, jkt: await sha256(JSON.stringify(publicJwk)) };
}

async function generate(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, false, ['sign', 'verify']);
}

/**
 * A shared cache of text by key. An entry may disappear at any time. It may be an old value from another replica, so
 * the reader must check that it is still valid.
 *
 * Neither method rejects. If the cache is unavailable, `get` returns null within about a second.
 */
export interface Cache {
  get(key: string): Promise<string | null>;
  set(key: string, value: string): Promise<void>;
}

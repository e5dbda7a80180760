/**
 * Text that can be had again at some cost, kept by name for a while. It may be gone at any moment, and what is found
 * may have been put there by another replica, long ago: whoever reads it must be able to tell whether it still holds.
 *
 * A cache is no reason to fail. Neither method rejects: one that cannot be asked has nothing, and says so within a
 * second or so.
 */
export interface Cache {
  get(key: string): Promise<string | null>;
  set(key: string, value: string): Promise<void>;
}

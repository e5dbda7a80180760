import type { TokenStorage } from './types.ts';

/** A storage for one pair, that nobody else can see. */
export function memoryStorage(): TokenStorage {
  let item: string | null = null;
  return {
    getItem: () => item,
    setItem: (_name, value) => {
      item = value;
    },
    removeItem: () => {
      item = null;
    },
  };
}

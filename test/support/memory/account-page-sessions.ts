import type { TokenFamily } from '../../../src/domain/token-family.ts';
import type { AccountPageSessions } from '../../../src/ports/stores/account-page-sessions.ts';

/** The families that are sessions of pages, by the hashes of their cookies. */
export type StoredCookies = Map<string, string>;

/** Returns a function that replaces the cookie of a family; null if the family is not the session of a page. */
export function prepareCookie(
  familyOf: StoredCookies,
  tokenFamily: string,
  hashedCookie: string,
): (() => void) | null {
  const [former] = [...familyOf].find(([, family]) => family === tokenFamily) ?? [];
  if (former === undefined) return null;
  return () => {
    familyOf.delete(former);
    familyOf.set(hashedCookie, tokenFamily);
  };
}

/** The sessions of account pages in memory. Each one is also a family in `families`. */
export function createMemoryAccountPageSessions(
  families: Map<string, TokenFamily>,
  familyOf: StoredCookies,
): AccountPageSessions {
  function live(tokenFamily: string | undefined, now: number): TokenFamily | null {
    const family = families.get(tokenFamily ?? '');
    if (family === undefined || family.revoked !== null) return null;
    return Math.min(family.expiresAt, family.refreshExpiresAt) > now ? family : null;
  }

  return {
    async addCookie({ hashedToken, tokenFamily }) {
      if (!families.has(tokenFamily)) throw new Error(`Family ${tokenFamily} does not exist.`);
      if (familyOf.get(hashedToken) === tokenFamily) return;
      if (familyOf.has(hashedToken) || [...familyOf.values()].includes(tokenFamily))
        throw new Error('The cookie or its family already exists.');
      familyOf.set(hashedToken, tokenFamily);
    },

    async find(hashedTokens, now) {
      const hash = hashedTokens.find((candidate) => familyOf.has(candidate));
      return structuredClone(hash === undefined ? null : live(familyOf.get(hash), now));
    },

    async keepAlive(tokenFamily, at, idleUntil) {
      const family = [...familyOf.values()].includes(tokenFamily) ? live(tokenFamily, at) : null;
      if (family === null) return false;
      families.set(tokenFamily, {
        ...family,
        refreshExpiresAt: Math.max(family.refreshExpiresAt, idleUntil),
        rotatedAt: Math.max(family.rotatedAt, at),
      });
      return true;
    },
  };
}

import type { TokenFamily } from '../../../src/domain/token-family.ts';
import type { AccountPageSessions } from '../../../src/ports/stores/account-page-sessions.ts';

/** The sessions of account pages in memory. Each one is also a family in `families`. */
export function createMemoryAccountPageSessions(families: Map<string, TokenFamily>): AccountPageSessions {
  const familyOf = new Map<string, string>();

  function live(tokenFamily: string | undefined, now: number): TokenFamily | null {
    const family = families.get(tokenFamily ?? '');
    if (family === undefined || family.revoked !== null) return null;
    return Math.min(family.expiresAt, family.refreshExpiresAt) > now ? family : null;
  }

  return {
    async open({ hashedToken, tokenFamily }) {
      if (!families.has(tokenFamily)) throw new Error(`Family ${tokenFamily} does not exist.`);
      if (familyOf.has(hashedToken) || [...familyOf.values()].includes(tokenFamily))
        throw new Error('The cookie or its family already exists.');
      familyOf.set(hashedToken, tokenFamily);
    },

    async replaceCookie({ hashedToken, tokenFamily }) {
      const [former] = [...familyOf].find(([, family]) => family === tokenFamily) ?? [];
      if (former === undefined) return false;
      familyOf.delete(former);
      familyOf.set(hashedToken, tokenFamily);
      return true;
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

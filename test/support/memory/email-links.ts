import type { User } from '../../../src/domain/user.ts';
import type { EmailLink, EmailLinks } from '../../../src/ports/stores/email-links.ts';
import { type Records, recordAbout } from './stored-entry.ts';

/** Links by their hashes. */
export type StoredLinks = Map<string, EmailLink>;

/** Links about mail addresses in memory. */
export function createMemoryEmailLinks(
  links: StoredLinks,
  users: Map<string, User>,
  records: Records,
): EmailLinks {
  function userOf(hashedToken: string, now: number): User | null {
    const link = links.get(hashedToken);
    if (link?.purpose !== 'verify' || link.expiresAt <= now) return null;
    const user = users.get(link.userId);
    return user?.email === link.email ? user : null;
  }

  return {
    async add(link, entries) {
      const user = users.get(link.userId);
      if (user === undefined) return false;
      links.set(link.hashedToken, { ...link });
      recordAbout(records, user, entries);
      return true;
    },

    async findVerification(hashedToken, now) {
      return structuredClone(userOf(hashedToken, now));
    },

    async verify(hashedToken, at, entries) {
      const user = userOf(hashedToken, at);
      if (user === null) return false;
      users.set(user.id, { ...user, emailVerifiedAt: user.emailVerifiedAt ?? at });
      removeLinksOf(links, user.id, ({ purpose }) => purpose === 'verify');
      recordAbout(records, user, entries);
      return true;
    },

    async forget(before, limit) {
      const old = [...links].filter(([, { expiresAt }]) => expiresAt < before).slice(0, limit);
      for (const [hashedToken] of old) links.delete(hashedToken);
      return old.length;
    },
  };
}

export function removeLinksOf(
  links: StoredLinks,
  userId: string,
  isRemoved: (link: EmailLink) => boolean = () => true,
): void {
  for (const [hashedToken, link] of links)
    if (link.userId === userId && isRemoved(link)) links.delete(hashedToken);
}

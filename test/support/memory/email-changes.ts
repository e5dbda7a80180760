import { originOfChange } from '../../../src/domain/audit.ts';
import { isEmailVerified } from '../../../src/domain/email-address.ts';
import { identifierOf, identifiersOf, type User, withProvenEmail } from '../../../src/domain/user.ts';
import type { ChangeEntry } from '../../../src/ports/stores/change-entry.ts';
import type { EmailChanges } from '../../../src/ports/stores/email-changes.ts';
import type { EmailLink } from '../../../src/ports/stores/email-links.ts';
import type { TokenFamilies } from '../../../src/ports/stores/token-families.ts';
import { removeLinksOf, type StoredLinks } from './email-links.ts';
import type { MayChange } from './second-factors.ts';
import { type Records, recordAbout } from './stored-entry.ts';

/** Reserved identifiers: their accounts, and until when. */
export type Reservations = Map<string, { readonly userId: string; readonly until: number }>;

interface Tables {
  readonly users: Map<string, User>;
  readonly links: StoredLinks;
  readonly reservations: Reservations;
  readonly records: Records;
  readonly families: TokenFamilies;
  forgetResets(userId: string): void;
  renewSecurityVersion(userId: string): void;
  readonly mayChange: MayChange;
}

/** Changes of mail addresses in memory. */
export function createMemoryEmailChanges(tables: Tables): EmailChanges {
  const { users, links, reservations, records, families, forgetResets, renewSecurityVersion, mayChange } =
    tables;

  function validLink(hashedToken: string, purpose: EmailLink['purpose'], now: number) {
    const link = links.get(hashedToken);
    const user = users.get(link?.userId ?? '');
    return link?.purpose === purpose && link.expiresAt > now && user !== undefined ? { link, user } : null;
  }

  function isTaken(identifier: string, userId: string, now: number): boolean {
    const owner = [...users.values()].find((user) => identifiersOf(user).includes(identifier));
    const reservation = reservations.get(identifier);
    const isReserved = reservation !== undefined && reservation.userId !== userId && reservation.until > now;
    return isReserved || (owner !== undefined && owner.id !== userId);
  }

  function setEmail(user: User, email: string, at: number, entries: readonly ChangeEntry[]): void {
    const next = withProvenEmail(user, email, at);
    users.set(user.id, next);
    if (user.email !== email) renewSecurityVersion(user.id);
    reservations.delete(identifierOf(email));
    recordAbout(records, next, entries);
    forgetResets(user.id);
  }

  /** After an undo, the replaced address stays reserved while an earlier undo link can still restore it. */
  function keepForEarlierUndo({ id, email }: User, used: EmailLink, at: number): void {
    const identifier = identifierOf(email);
    if (identifier === identifierOf(used.email)) return;
    const ends = [...links.values()]
      .filter(({ userId, purpose }) => userId === id && purpose === 'undo')
      .filter((link) => identifierOf(link.email) === identifier && link.expiresAt < used.expiresAt)
      .map(({ expiresAt }) => expiresAt);
    const until = Math.max(at, ...ends);
    if (until > at) reservations.set(identifier, { userId: id, until });
  }

  return {
    async isTaken(identifier, userId, now) {
      return isTaken(identifier, userId, now);
    },

    async request({ change, undo }, condition, entries) {
      const user = users.get(change.userId);
      if (user === undefined || !mayChange(user.id, condition)) return false;
      removeLinksOf(links, user.id, ({ purpose }) => purpose === 'change');
      links.set(change.hashedToken, change);
      if (undo !== null) links.set(undo.hashedToken, undo);
      recordAbout(records, user, entries);
      return true;
    },

    async find(hashedToken, purpose, now) {
      const found = validLink(hashedToken, purpose, now);
      return found && { user: structuredClone(found.user), email: found.link.email };
    },

    async apply(hashedToken, { at, reservedUntil }, entries) {
      const found = validLink(hashedToken, 'change', at);
      if (found === null) return 'invalid';
      const { user, link } = found;
      if (isTaken(identifierOf(link.email), user.id, at)) return 'taken';
      setEmail(user, link.email, at, entries);
      if (isEmailVerified(user))
        reservations.set(identifierOf(user.email), { userId: user.id, until: reservedUntil });
      removeLinksOf(links, user.id, ({ purpose }) => purpose !== 'undo');
      return 'changed';
    },

    async undo(hashedToken, { from, at }, entries) {
      const found = validLink(hashedToken, 'undo', at);
      if (found === null || found.user.email !== from) return null;
      const { user, link } = found;
      if (isTaken(identifierOf(link.email), user.id, at)) return 'taken';
      setEmail(user, link.email, at, entries);
      keepForEarlierUndo(user, link, at);
      removeLinksOf(
        links,
        user.id,
        ({ purpose, expiresAt }) => purpose !== 'undo' || expiresAt >= link.expiresAt,
      );
      const ending = { at, reason: 'not_me', except: null, origin: originOfChange(entries) } as const;
      return { sessions: await families.revokeAll(user.id, ending) };
    },

    async forgetReservations(before, limit) {
      const old = [...reservations].filter(([, { until }]) => until < before).slice(0, limit);
      for (const [identifier] of old) reservations.delete(identifier);
      return old.length;
    },
  };
}

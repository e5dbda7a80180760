import { byUser } from '../../domain/audit.ts';
import { type ClientInfo, clientFacts } from '../../domain/client-info.ts';
import {
  EMAIL_LINK_AGE,
  EMAIL_LINK_LIMIT,
  type EmailLinkPurpose,
  isEmailVerified,
} from '../../domain/email-address.ts';
import { Refusal } from '../../domain/refusal.ts';
import { identifierOf, type User } from '../../domain/user.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { LinkSecrets } from '../../ports/security/link-secrets.ts';
import type { EmailChanges } from '../../ports/stores/email-changes.ts';
import { changeEntries } from '../change-entries.ts';
import { assertWithinLimit } from './assert-within-limit.ts';
import { readMailAddress } from './read-mail-address.ts';
import {
  applyChange,
  authorizeChange,
  type SensitiveChangeDeps,
  type SensitiveRequest,
} from './sensitive-change.ts';
import { uncountIfRefused } from './uncount-if-refused.ts';

interface Deps extends SensitiveChangeDeps {
  readonly emailChanges: Pick<EmailChanges, 'isTaken' | 'request'>;
  readonly links: LinkSecrets;
  readonly newId: NewId;
}

export interface RequestEmailChangeInput extends SensitiveRequest {
  /** The new address. */
  readonly email: string;
}

export type RequestEmailChange = (input: RequestEmailChangeInput) => Promise<void>;

const LIMIT = { name: 'email-changes', ...EMAIL_LINK_LIMIT };

/**
 * Mails a link to the new address, and a notice to the current address. The address changes when the link to the new
 * address is used. The notice has an undo link if the current address is verified. Needs the password or a recent
 * sign-in: see {@link authorizeChange} and {@link applyChange}. Also rejects with a {@link Refusal}: `invalid_request`,
 * `conflict`, `too_many_requests`.
 */
export const requestEmailChange = (deps: Deps): RequestEmailChange => {
  const { emailChanges, links, clock, newId } = deps;

  return async ({ email: typed, ...request }) => {
    const { userId, client } = request;
    const email = readMailAddress(typed);
    const authorized = await authorizeChange(deps, request);
    const identifier = identifierOf(email);
    if (identifier === identifierOf(authorized.user.email))
      throw new Refusal('invalid_request', 'The account already has this mail address.');
    const who = { userId, address: client.address };
    // Counted before the search for the address, so that the user of one account cannot test many addresses.
    await assertWithinLimit(deps, { key: `email-change ${userId}`, limit: LIMIT }, who);
    if (await emailChanges.isTaken(identifier, userId, clock())) throw new Refusal('conflict');

    // Counted by recipient, too: several accounts must not send many mails to a stranger.
    const counted = await assertWithinLimit(deps, { key: `verify ${identifier}`, limit: LIMIT }, who);
    await uncountIfRefused(deps, counted, () =>
      applyChange(deps, authorized, async ({ user, condition }) => {
        const { requested, entries } = prepare(user, email, client);
        return (await emailChanges.request(requested, condition, entries)) || null;
      }),
    );
    deps.securityLog('email_change_requested', who);
  };

  function prepare(user: User, newEmail: string, client: ClientInfo) {
    const occurredAt = clock();
    const facts = { userId: user.id, ...clientFacts(client) };
    const [changeId, undoId] = [links.makeLinkId(newId()), links.makeLinkId(newId())];
    // An address that is not verified can be a typing error. Its owner is then a stranger, who must get no undo link.
    const isUndoable = isEmailVerified(user);
    const requested = {
      change: linkOf(changeId, 'change', { userId: user.id, email: newEmail }, occurredAt),
      undo: isUndoable ? linkOf(undoId, 'undo', { userId: user.id, email: user.email }, occurredAt) : null,
    };
    const toNew = {
      type: 'users.email_change_requested',
      occurredAt,
      data: { ...facts, linkId: changeId, email: newEmail },
    } as const;
    const toOld = {
      type: 'users.email_change_announced',
      occurredAt,
      data: { ...facts, email: user.email, ...(isUndoable && { linkId: undoId, newEmail }) },
    } as const;
    return { requested, entries: changeEntries(newId, byUser(client), [{ event: toNew }, { event: toOld }]) };
  }

  function linkOf(
    linkId: string,
    purpose: EmailLinkPurpose,
    about: { readonly userId: string; readonly email: string },
    now: number,
  ) {
    const hashedToken = links.hashSecret(links.makeAddressSecret(linkId));
    return { hashedToken, purpose, ...about, expiresAt: now + EMAIL_LINK_AGE[purpose] };
  }
};

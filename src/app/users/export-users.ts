import { claimNames } from '../../domain/claims.ts';
import { isEmailVerified } from '../../domain/email-address.ts';
import { NO_PASSWORD } from '../../domain/imported-user.ts';
import type { ExportedUser, UserTransfer } from '../../ports/stores/user-transfer.ts';
import type { UserLine } from './read-user-line.ts';

const BATCH = 1_000;

/** Reads all accounts in batches, as lines that `importUsers` accepts. */
export type ExportUsers = () => AsyncIterable<readonly UserLine[]>;

export const exportUsers = ({ userTransfer }: { readonly userTransfer: UserTransfer }): ExportUsers =>
  async function* () {
    for (let after: string | null = null; ; ) {
      const users: readonly ExportedUser[] = await userTransfer.list(after, BATCH);
      yield users.map(toLine);
      after = users.at(-1)?.user.id ?? after;
      if (users.length < BATCH) return;
    }
  };

function toLine({ user, claims }: ExportedUser): UserLine {
  const { id, username, email, passwordHash, createdAt } = user;
  return {
    id,
    username,
    email,
    emailVerified: isEmailVerified(user),
    ...(passwordHash !== NO_PASSWORD && { passwordHash }),
    ...(claimNames(claims).length > 0 && { claims }),
    createdAt: new Date(createdAt).toISOString(),
  };
}

import { isEmailVerified } from '../../domain/email-address.ts';
import { withUnicodeDomain } from '../../lib/domain-names.ts';
import type { Users } from '../../ports/stores/users.ts';
import type { SessionOfUser } from '../revocation/revoke-family.ts';

/** The members of the account (`username`, `email`, `emailVerified`) are absent if another system keeps the account. */
export interface Me extends SessionOfUser {
  readonly username?: string;
  readonly email?: string;
  readonly emailVerified?: boolean;
}

export type DescribeMe = (session: SessionOfUser) => Promise<Me>;

/** Describes a user to that user. */
export const describeMe =
  ({ users }: { readonly users: Users }): DescribeMe =>
  async ({ userId, sessionId }) => {
    const user = await users.find(userId);
    return user === null
      ? { userId, sessionId }
      : {
          userId,
          sessionId,
          username: withUnicodeDomain(user.username),
          email: withUnicodeDomain(user.email),
          emailVerified: isEmailVerified(user),
        };
  };

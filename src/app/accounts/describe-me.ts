import { EMAIL_VERIFIED } from '../../domain/user.ts';
import type { Users } from '../../ports/stores/users.ts';
import type { SessionOfUser } from '../sessions/log-out.ts';

export type DescribeMe = (
  input: SessionOfUser,
) => Promise<
  | { userId: string; sessionId: string; username?: never; email?: never; emailVerified?: never }
  | { userId: string; sessionId: string; username: string; email: string; emailVerified: boolean }
>;

/** A user as they see themselves; without name and address where another system keeps the account. */
export const describeMe =
  ({ users }: { readonly users: Users }): DescribeMe =>
  async ({ userId, sessionId }) => {
    const user = await users.find(userId);
    return user === null
      ? { userId, sessionId }
      : { userId, sessionId, username: user.username, email: user.email, emailVerified: EMAIL_VERIFIED };
  };

import { type Static, Type } from '@sinclair/typebox';
import { isEmailVerified } from '../../../domain/email-address.ts';
import type { ListedUser } from '../../../domain/user-directory.ts';
import { withUnicodeDomain } from '../../../lib/domain-names.ts';
import { examples } from '../server/examples.ts';
import { closed, count, longText, nextCursor, oneOf } from '../server/field-schemas.ts';
import { Time, Uuid } from '../server/schemas.ts';

const accountExample = {
  id: examples.user,
  ...examples.account,
  emailVerified: true,
  createdAt: examples.time,
  lastLoginAt: '2026-01-02T03:19:05.123Z',
  roles: [],
  factors: ['totp' as const],
  sessions: 2,
};

/** An account as operators see it. */
export const AccountItem = Type.Object(
  {
    id: Uuid,
    username: longText(),
    email: longText(),
    emailVerified: Type.Boolean({
      description: 'whether the address was proved; an operator can vouch for it',
    }),
    createdAt: Time,
    lastLoginAt: Type.Optional(Time),
    roles: Type.Array(oneOf(['operator']), { maxItems: 1 }),
    disabledAt: Type.Optional(Time),
    factors: Type.Array(oneOf(['totp', 'passkey']), {
      maxItems: 2,
      description: 'the kinds of second factors',
    }),
    sessions: count({ description: 'the number of live sessions' }),
  },
  { ...closed, title: 'OperatorsUser', examples: [accountExample] },
);

export const AccountList = Type.Object(
  { items: Type.Array(AccountItem, { maxItems: 100 }), nextCursor },
  { ...closed, title: 'UserList', examples: [{ items: [accountExample] }] },
);

export function toAccountItem(user: ListedUser): Static<typeof AccountItem> {
  const { id, username, email, createdAt, lastLoginAt, roles, disabledAt, factors, sessions } = user;
  return {
    id,
    username: withUnicodeDomain(username),
    email: withUnicodeDomain(email),
    emailVerified: isEmailVerified(user),
    createdAt: new Date(createdAt).toISOString(),
    ...(lastLoginAt !== null && { lastLoginAt: new Date(lastLoginAt).toISOString() }),
    roles: [...roles],
    ...(disabledAt !== null && { disabledAt: new Date(disabledAt).toISOString() }),
    factors: [...factors],
    sessions,
  };
}

import type { Role, User } from '../../domain/user.ts';
import type { NamedUser } from '../../ports/stores/users.ts';
import type { Executor } from './with-outbox.ts';

/** A row of `users` as the driver reads it. */
export interface UserRow {
  id: string;
  username: string;
  email: string;
  email_verified_at: Date | null;
  password_hash: string;
  created_at: Date;
  roles: Role[];
}

export const NAMED_USER_COLUMNS = ['id', 'username', 'email', 'email_verified_at'] as const;

export type NamedUserRow = Pick<UserRow, (typeof NAMED_USER_COLUMNS)[number]>;

/** The columns of {@link UserRow}, with the name of the table. */
export function userColumns(sql: Executor) {
  const names = [...NAMED_USER_COLUMNS, 'password_hash', 'created_at', 'roles'] satisfies (keyof UserRow)[];
  return sql(names.map((name) => `users.${name}`));
}

export function toColumns(user: User) {
  return {
    id: user.id,
    username: user.username,
    email: user.email,
    email_verified_at: user.emailVerifiedAt === null ? null : new Date(user.emailVerifiedAt),
    password_hash: user.passwordHash,
    created_at: new Date(user.createdAt),
    roles: [...user.roles],
  };
}

export function toNamedUser({ id, username, email, email_verified_at: verifiedAt }: NamedUserRow): NamedUser {
  return { id, username, email, emailVerifiedAt: verifiedAt?.getTime() ?? null };
}

export function toUser(row: UserRow): User;
export function toUser(row: UserRow | null): User | null;
export function toUser(row: UserRow | null): User | null {
  if (row === null) return null;
  const { password_hash: passwordHash, created_at: createdAt, roles } = row;
  return { ...toNamedUser(row), passwordHash, createdAt: createdAt.getTime(), roles };
}

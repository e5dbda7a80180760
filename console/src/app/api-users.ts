import { apiPathOfUser, call, listQuery, ServiceRefusal } from './api.ts';

export type FactorKind = 'totp' | 'passkey';

/** An account, as the admin API describes it. Times are in RFC 3339 form. */
export interface Account {
  readonly id: string;
  readonly username: string;
  readonly email: string;
  readonly emailVerified: boolean;
  readonly createdAt: string;
  readonly lastLoginAt?: string;
  readonly roles: readonly string[];
  readonly disabledAt?: string;
  readonly factors: readonly FactorKind[];
  /** The number of live sessions. */
  readonly sessions: number;
}

export interface AccountPage {
  readonly items: readonly Account[];
  readonly nextCursor?: string;
}

/** A second factor. Its user chose the label. */
export interface Factor {
  readonly id: string;
  readonly kind: FactorKind;
  readonly label: string;
  readonly createdAt: string;
  readonly lastUsedAt?: string;
}

export interface Factors {
  readonly items: readonly Factor[];
  /** The number of unused codes. */
  readonly recoveryCodes: number;
}

/** The query parameters that the page `/users` of the console passes on to the list of the admin API. */
const LIST_FIELDS = ['query', 'only', 'cursor'] as const;

export function listAccounts(pageQuery: URLSearchParams, signal: AbortSignal) {
  return call<AccountPage>('GET', `/admin/users?${listQuery(pageQuery, LIST_FIELDS)}`, { signal });
}

/** An account and its factors; null for a user id that has no account here. */
export async function readAccount(id: string, signal: AbortSignal) {
  try {
    const [account, factors] = await Promise.all([
      call<Account>('GET', apiPathOfUser(id), { signal }),
      call<Factors>('GET', `${apiPathOfUser(id)}/factors`, { signal }),
    ]);
    return { account, factors };
  } catch (error) {
    if (error instanceof ServiceRefusal && error.status === 404) return null;
    throw error;
  }
}

export interface NewAccount {
  readonly username: string;
  readonly email: string;
  readonly emailVerified: boolean;
}

/**
 * What an operator changed in an account as the page shows it; null: nothing. The rest is not sent, because it may have
 * changed since the page read it. The service would treat a new address without `emailVerified` as not confirmed.
 */
export function accountChanges(
  shown: NewAccount,
  { username, email, emailVerified }: NewAccount,
): Partial<NewAccount> | null {
  const changes = {
    ...(username !== shown.username && { username }),
    ...(email !== shown.email && { email }),
    ...((email !== shown.email || emailVerified !== shown.emailVerified) && { emailVerified }),
  };
  return Object.keys(changes).length === 0 ? null : changes;
}

export const createAccount = (account: NewAccount, reason: string) =>
  call<Account>('POST', '/admin/users', { body: account, reason });

export const changeAccount = (id: string, changes: Partial<NewAccount>, reason: string) =>
  call<Account>('PATCH', apiPathOfUser(id), { body: changes, reason });

export const removeFactor = (userId: string, factorId: string, reason: string) =>
  call('DELETE', `${apiPathOfUser(userId)}/factors/${factorId}`, { reason });

export const removeFactors = (userId: string, reason: string) =>
  call('DELETE', `${apiPathOfUser(userId)}/factors`, { reason });

import type { Claims } from '../../domain/claims.ts';
import type { ImportVerdict } from '../../domain/imported-user.ts';
import type { User } from '../../domain/user.ts';
import type { AuditEntry } from './audit-log.ts';

/** A kind of password hash, as {@link HashVerifier} names it, and how long the verification of such a hash takes. */
export interface PasswordKind {
  readonly name: string;
  readonly milliseconds: number;
}

/** An account of another system. */
export interface ImportedUser {
  readonly user: User;
  /** Whether the other system gave the id. */
  readonly hasGivenId: boolean;
  /** The name of a recorded {@link PasswordKind}; null for an account without a password. */
  readonly passwordKind: string | null;
  /** The claims of the user. They do not replace claims that the user id already has. */
  readonly claims: Claims;
}

/** An account for another system. */
export interface ExportedUser {
  readonly user: User;
  readonly claims: Claims;
}

/**
 * Moves accounts between this service and other systems, many at a time. No method records events for other systems.
 * All methods reject with {@link StoreUnavailable} when the database is unavailable.
 */
export interface UserTransfer {
  /** Records a kind. If the kind is recorded already, keeps the longer of the two times. */
  recordKind(kind: PasswordKind): Promise<void>;

  /**
   * The milliseconds of the slowest kind in use; 0 if none is. A kind is in use while an account has the password hash
   * that it was imported with.
   */
  slowestKind(): Promise<number>;

  /**
   * Stores the accounts whose verdict by `judgeImport` is `created`, all or none. Judges each account against the
   * stored accounts and the earlier accounts of the batch. Returns the verdicts in the same order. `now` decides which
   * addresses are reserved. Where accounts are created, `entry` is recorded in the same transaction, with their number
   * as its fact `created`.
   */
  store(batch: readonly ImportedUser[], now: number, entry: AuditEntry): Promise<readonly ImportVerdict[]>;

  /** Up to `limit` accounts, in the order of their ids, after the id `after`. */
  list(after: string | null, limit: number): Promise<readonly ExportedUser[]>;
}

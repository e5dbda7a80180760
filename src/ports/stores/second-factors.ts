import type { ChallengeAnswer } from '../../domain/challenge.ts';
import type { Factor, FactorProofUse, Passkey } from '../../domain/second-factor.ts';
import type { TokenFamily } from '../../domain/token-family.ts';
import type { ChangeCondition } from './change-condition.ts';
import type { ChangeEntry } from './change-entry.ts';
import type { SealedRows } from './sealed-rows.ts';
import type { OpenedSession } from './token-families.ts';

export interface StoredTotp extends Factor {
  readonly kind: 'totp';
  /** The sealed secret, and the last time step that a code was used for. */
  readonly totp: { readonly sealedSecret: string; readonly lastStep: number | null };
}

export interface StoredPasskey extends Factor {
  readonly kind: 'passkey';
  readonly passkey: Passkey;
}

/** A factor with what verifies its proofs. */
export type StoredFactor = StoredTotp | StoredPasskey;

/** The factors of an account at one moment, oldest first, with the state of the account at that moment. */
export interface FactorsOfAccount {
  readonly passwordHash: string;
  readonly securityVersion: string;
  readonly isDisabled: boolean;
  readonly factors: readonly StoredFactor[];
  /** The hashes of the unused recovery codes. */
  readonly recoveryCodes: readonly string[];
}

/** What the second step of a login uses up, and the security version for which its challenge was made. */
export interface LoginProof {
  readonly securityVersion: string;
  readonly challenge: ChallengeAnswer;
  readonly use: FactorProofUse;
}

/**
 * The factors, recovery codes and answered challenges of accounts. Every method is atomic: the change and the entries
 * given with it commit together or not at all. If a method returns null, the account is deleted or the condition does
 * not hold, and nothing changes. Deleting the account deletes its factors and codes.
 *
 * A new or removed confirmed factor and new recovery codes give the account a new security version. So does a change of
 * the password or address. A new label and the use of a proof do not. A new security version removes the unconfirmed
 * factors.
 *
 * All methods reject with {@link StoreUnavailable} when the database is unavailable.
 */
export interface SecondFactors extends SealedRows {
  /** Null if there is no such account. */
  find(userId: string): Promise<FactorsOfAccount | null>;

  /**
   * Stores an unconfirmed factor in place of all other unconfirmed factors of the account. `full`, and nothing changes,
   * if the account has {@link MAX_FACTORS} confirmed factors.
   */
  add(factor: StoredTotp, condition: ChangeCondition | null): Promise<'added' | 'full' | null>;

  /**
   * Stores a confirmed passkey, and removes unconfirmed factors. `taken`, and nothing changes, if a factor has this
   * credential id. `full`: as for {@link SecondFactors.add}.
   */
  addPasskey(
    factor: StoredPasskey,
    condition: ChangeCondition | null,
    entries: readonly ChangeEntry[],
  ): Promise<'added' | 'full' | 'taken' | null>;

  /** The user of the passkey with this credential id; null without one. */
  findPasskeyOwner(credentialId: string): Promise<string | null>;

  /**
   * Confirms a factor, and uses the time step up. False, and nothing changes, if the user has no such unconfirmed
   * factor, or if the condition does not hold.
   */
  confirm(
    confirmation: {
      readonly userId: string;
      readonly id: string;
      readonly step: number;
      readonly at: number;
    },
    condition: ChangeCondition | null,
    entries: readonly ChangeEntry[],
  ): Promise<boolean>;

  /** False, and nothing is recorded, if the user has no such confirmed factor, or the factor has this label. */
  rename(userId: string, id: string, label: string, entries: readonly ChangeEntry[]): Promise<boolean>;

  /**
   * Removes a confirmed factor. The removal of the last factor also removes the recovery codes. False, and nothing
   * changes, if the user has no such confirmed factor.
   */
  remove(
    userId: string,
    id: string,
    condition: ChangeCondition | null,
    entries: readonly ChangeEntry[],
  ): Promise<boolean | null>;

  /** Replaces all recovery codes. False, and nothing changes, if the account has no confirmed factor. */
  replaceRecoveryCodes(
    userId: string,
    hashes: readonly string[],
    condition: ChangeCondition | null,
    entries: readonly ChangeEntry[],
  ): Promise<boolean | null>;

  /** Counts an answer: see `countAnswer`. False if the challenge is used or has taken too many answers. */
  countAnswer(answer: ChallengeAnswer): Promise<boolean>;

  /**
   * Opens a session as {@link TokenFamilies.open} does, and uses up the challenge and the proof. Null, and nothing
   * changes, if the account is deleted or has another security version. Also null if the challenge or the proof was
   * used before. `disabled`, and nothing changes, if the user is disabled.
   */
  openSession(
    family: TokenFamily,
    proof: LoginProof,
    entries: readonly ChangeEntry[],
  ): Promise<OpenedSession | 'disabled' | null>;

  /** Removes up to `limit` answered challenges that expired before `before`, and returns their number. */
  forgetChallenges(before: number, limit: number): Promise<number>;
}

import {
  type AnsweredChallenge,
  type ChallengeAnswer,
  countAnswer,
  useChallenge,
} from '../../../src/domain/challenge.ts';
import {
  type FactorProofUse,
  FIRST_SECURITY_VERSION,
  isConfirmed,
  isNextSignCount,
  isUnusedStep,
  MAX_FACTORS,
} from '../../../src/domain/second-factor.ts';
import { isLive, type TokenFamily } from '../../../src/domain/token-family.ts';
import type { User } from '../../../src/domain/user.ts';
import type { UserState } from '../../../src/domain/user-state.ts';
import type { ChangeCondition } from '../../../src/ports/stores/change-condition.ts';
import type { ChangeEntry } from '../../../src/ports/stores/change-entry.ts';
import type { SecondFactors, StoredFactor } from '../../../src/ports/stores/second-factors.ts';
import type { TokenFamilies } from '../../../src/ports/stores/token-families.ts';
import { type Records, recordAbout } from './stored-entry.ts';

interface SecuredAccount {
  securityVersion: string;
  factors: StoredFactor[];
  recoveryCodes: Set<string>;
}

/** Factors, codes and security version by the id of the user. */
export type SecuredAccounts = Map<string, SecuredAccount>;

function accountOf(accounts: SecuredAccounts, userId: string): SecuredAccount {
  const found = accounts.get(userId) ?? {
    securityVersion: FIRST_SECURITY_VERSION,
    factors: [],
    recoveryCodes: new Set(),
  };
  accounts.set(userId, found);
  return found;
}

export function hasSecondFactor(accounts: SecuredAccounts, userId: string): boolean {
  return accountOf(accounts, userId).factors.some(isConfirmed);
}

export function renewSecurityVersion(accounts: SecuredAccounts, userId: string): void {
  const account = accountOf(accounts, userId);
  account.securityVersion = crypto.randomUUID();
  account.factors = account.factors.filter(isConfirmed);
}

/** Removes factors and codes. An account that is created later with this id continues with the security version. */
export function forgetFactors(accounts: SecuredAccounts, userId: string): void {
  Object.assign(accountOf(accounts, userId), { factors: [], recoveryCodes: new Set() });
}

/** Whether the account exists and a change of it may be made. */
export type MayChange = (userId: string, condition: ChangeCondition | null) => boolean;

export function createConditionCheck(
  users: ReadonlyMap<string, User>,
  accounts: SecuredAccounts,
  families: ReadonlyMap<string, TokenFamily>,
): MayChange {
  return (userId, condition) => {
    if (!users.has(userId) || condition === null) return users.has(userId);
    const family = families.get(condition.sessionId);
    const isSame = accountOf(accounts, userId).securityVersion === condition.securityVersion;
    return isSame && family?.userId === userId && isLive(family, condition.now);
  };
}

function replaceFactor(account: SecuredAccount, changed: StoredFactor): void {
  account.factors = account.factors.map((factor) => (factor.id === changed.id ? changed : factor));
}

const findConfirmed = (account: SecuredAccount | null, id: string) =>
  account?.factors.find((factor) => factor.id === id && isConfirmed(factor));

/** Returns a function that marks the proof as used; null if it was used before or no longer exists. */
function prepareUse(account: SecuredAccount, use: FactorProofUse, at: number): (() => void) | null {
  if (use.kind === 'recovery_code') {
    return account.recoveryCodes.has(use.hash) ? () => account.recoveryCodes.delete(use.hash) : null;
  }
  const factor = findConfirmed(account, use.factorId);
  if (use.kind === 'passkey' && factor?.kind === 'passkey') {
    const { signCount, isBackupEligible } = use;
    if (!isNextSignCount(factor.passkey.signCount, signCount)) return null;
    const passkey = { ...factor.passkey, signCount, isBackupEligible };
    return () => replaceFactor(account, { ...factor, lastUsedAt: at, passkey });
  }
  if (use.kind !== 'totp' || factor?.kind !== 'totp' || !isUnusedStep(factor.totp.lastStep, use.step))
    return null;
  const totp = { ...factor.totp, lastStep: use.step };
  return () => replaceFactor(account, { ...factor, lastUsedAt: at, totp });
}

/** Answered challenges by the hashes of their nonces. */
export type AnsweredChallenges = Map<string, AnsweredChallenge & { readonly expiresAt: number }>;

/** Returns a function that marks the challenge as used; null if another answer came first. */
export function prepareChallengeUse(
  challenges: AnsweredChallenges,
  { hashedNonce, expiresAt }: ChallengeAnswer,
): (() => void) | null {
  const stored = challenges.get(hashedNonce);
  const used = useChallenge(stored);
  return used && (() => void challenges.set(hashedNonce, { expiresAt, ...stored, ...used }));
}

/** Returns a function that marks a proof of the user as used; null if it was used before or no longer exists. */
export function prepareProofUse(accounts: SecuredAccounts, userId: string, use: FactorProofUse, at: number) {
  return prepareUse(accountOf(accounts, userId), use, at);
}

/** Second factors in memory. Every method is atomic because it has no `await` before its changes. */
export function createMemorySecondFactors(
  users: ReadonlyMap<string, User>,
  families: TokenFamilies,
  records: Records,
  accounts: SecuredAccounts,
  challenges: AnsweredChallenges,
  states: ReadonlyMap<string, UserState>,
  mayChange: MayChange,
): SecondFactors {
  const find = (userId: string) => (users.has(userId) ? accountOf(accounts, userId) : null);
  const findIf = (userId: string, condition: ChangeCondition | null) =>
    mayChange(userId, condition) ? find(userId) : null;

  function finish(userId: string, entries: readonly ChangeEntry[]): true {
    renewSecurityVersion(accounts, userId);
    return record(userId, entries);
  }

  function record(userId: string, entries: readonly ChangeEntry[]): true {
    const user = users.get(userId);
    if (user !== undefined) recordAbout(records, user, entries);
    return true;
  }

  function ownerOf(credentialId: string): string | null {
    const all = [...accounts.values()].flatMap(({ factors }) => factors);
    const found = all.find(
      (factor) => factor.kind === 'passkey' && factor.passkey.credentialId === credentialId,
    );
    return found?.userId ?? null;
  }

  return {
    async find(userId) {
      const account = find(userId);
      if (account === null) return null;
      const { securityVersion, factors, recoveryCodes } = account;
      const passwordHash = users.get(userId)?.passwordHash ?? '';
      const sorted = [...factors].sort(
        (one, other) => one.createdAt - other.createdAt || one.id.localeCompare(other.id, 'en'),
      );
      return {
        passwordHash,
        securityVersion,
        isDisabled: states.get(userId)?.disabledAt != null,
        factors: structuredClone(sorted),
        recoveryCodes: [...recoveryCodes].sort(),
      };
    },

    async add(factor, condition) {
      const account = findIf(factor.userId, condition);
      if (account === null) return null;
      account.factors = account.factors.filter(isConfirmed);
      if (account.factors.length >= MAX_FACTORS) return 'full';
      account.factors.push(structuredClone(factor));
      return 'added';
    },

    async addPasskey(factor, condition, entries) {
      const account = findIf(factor.userId, condition);
      if (account === null) return null;
      if (ownerOf(factor.passkey.credentialId) !== null) return 'taken';
      account.factors = account.factors.filter(isConfirmed);
      if (account.factors.length >= MAX_FACTORS) return 'full';
      account.factors.push(structuredClone(factor));
      finish(factor.userId, entries);
      return 'added';
    },

    async findPasskeyOwner(credentialId) {
      return ownerOf(credentialId);
    },

    async confirm({ userId, id, step, at }, condition, entries) {
      const account = findIf(userId, condition);
      const factor = account?.factors.find((one) => one.id === id && !isConfirmed(one));
      if (account === null || factor?.kind !== 'totp') return false;
      replaceFactor(account, { ...factor, confirmedAt: at, totp: { ...factor.totp, lastStep: step } });
      return finish(userId, entries);
    },

    async rename(userId, id, label, entries) {
      const account = find(userId);
      const factor = findConfirmed(account, id);
      if (account === null || factor === undefined || factor.label === label) return false;
      replaceFactor(account, { ...factor, label });
      return record(userId, entries);
    },

    async remove(userId, id, condition, entries) {
      const account = findIf(userId, condition);
      if (account === null) return null;
      if (findConfirmed(account, id) === undefined) return false;
      account.factors = account.factors.filter((factor) => factor.id !== id);
      if (!account.factors.some(isConfirmed)) account.recoveryCodes.clear();
      return finish(userId, entries);
    },

    async replaceRecoveryCodes(userId, hashes, condition, entries) {
      const account = findIf(userId, condition);
      if (account === null) return null;
      if (!account.factors.some(isConfirmed)) return false;
      account.recoveryCodes = new Set(hashes);
      return finish(userId, entries);
    },

    async countAnswer({ hashedNonce, expiresAt }) {
      const counted = countAnswer(challenges.get(hashedNonce));
      if (counted === null) return false;
      challenges.set(hashedNonce, { ...counted, expiresAt });
      return true;
    },

    async openSession(family, { securityVersion, challenge: answered, use }, entries) {
      const account = find(family.userId);
      if (account?.securityVersion !== securityVersion) return null;
      const useUpChallenge = prepareChallengeUse(challenges, answered);
      const useUp = prepareUse(account, use, family.createdAt);
      if (useUpChallenge === null || useUp === null) return null;
      if (states.get(family.userId)?.disabledAt != null) return 'disabled';
      useUp();
      useUpChallenge();
      return families.open(family, entries);
    },

    async forgetChallenges(before, limit) {
      const old = [...challenges].filter(([, { expiresAt }]) => expiresAt < before).slice(0, limit);
      for (const [nonce] of old) challenges.delete(nonce);
      return old.length;
    },

    async listSealed(after, limit) {
      return [...accounts.values()]
        .flatMap(({ factors }) => factors)
        .flatMap((factor) =>
          factor.kind === 'totp' ? [{ id: factor.id, sealed: factor.totp.sealedSecret }] : [],
        )
        .sort((one, other) => (one.id < other.id ? -1 : 1))
        .filter(({ id }) => after === null || id > after)
        .slice(0, limit);
    },

    async reseal({ id, sealed }, expected) {
      for (const account of accounts.values()) {
        const factor = account.factors.find((one) => one.id === id);
        if (factor?.kind !== 'totp' || factor.totp.sealedSecret !== expected) continue;
        replaceFactor(account, { ...factor, totp: { ...factor.totp, sealedSecret: sealed } });
        return true;
      }
      return false;
    },
  };
}

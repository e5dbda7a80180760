import { byUser } from '../../domain/audit.ts';
import { clientFacts } from '../../domain/client-info.ts';
import { Refusal } from '../../domain/refusal.ts';
import { RECOVERY_CODES } from '../../domain/second-factor.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { RecoveryCodes } from '../../ports/security/recovery-codes.ts';
import { applyChange, type SensitiveRequest } from '../accounts/sensitive-change.ts';
import { changeEntries } from '../change-entries.ts';
import { authorizeFactorChange, type FactorChangeDeps } from './authorize-factor-change.ts';

interface Deps extends FactorChangeDeps {
  readonly recoveryCodes: RecoveryCodes;
  readonly newId: NewId;
}

export type MakeRecoveryCodes = (request: SensitiveRequest) => Promise<readonly string[]>;

/**
 * Makes new recovery codes in place of the earlier ones. They are returned only by this call. Rejects with a {@link
 * Refusal}: those of `authorizeFactorChange`, and `conflict` for an account without a factor.
 */
export const makeRecoveryCodes = (deps: Deps): MakeRecoveryCodes => {
  const { secondFactors, recoveryCodes, clock, newId, securityLog } = deps;

  return async (request) => {
    const authorized = await authorizeFactorChange(deps, request);
    const { userId, client } = request;
    const codes = recoveryCodes.make(RECOVERY_CODES);
    const data = { userId, kind: 'recovery_code', ...clientFacts(client) } as const;
    const event = { type: 'users.factor_added', occurredAt: clock(), data } as const;
    const hashes = codes.map((code) => recoveryCodes.hash(userId, code));
    const replaced = await applyChange(deps, authorized, ({ condition }) =>
      secondFactors.replaceRecoveryCodes(
        userId,
        hashes,
        condition,
        changeEntries(newId, byUser(client), [{ event }]),
      ),
    );
    if (!replaced)
      throw new Refusal(
        'conflict',
        'Recovery codes replace a factor, and this account has none. Add a factor first.',
      );
    securityLog('factor_added', { userId, address: client.address, kind: data.kind });
    return codes;
  };
};

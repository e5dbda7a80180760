import type { EmailVerification } from '../../domain/email-address.ts';
import { Refusal } from '../../domain/refusal.ts';
import { labelFault } from '../../domain/second-factor.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { DataSealer } from '../../ports/security/data-sealer.ts';
import type { Totp } from '../../ports/security/totp.ts';
import { applyChange, type SensitiveRequest } from '../accounts/sensitive-change.ts';
import {
  authorizeFactorChange,
  type FactorChangeDeps,
  requireProvenAddress,
  tooManyFactors,
} from './authorize-factor-change.ts';

interface Deps extends FactorChangeDeps {
  readonly totp: Totp;
  readonly sealer: DataSealer;
  readonly newId: NewId;
  readonly emailVerification: EmailVerification;
}

export type AddTotp = (
  request: SensitiveRequest & { readonly label: string },
) => Promise<{ readonly id: string; readonly uri: string }>;

/**
 * Makes a TOTP factor, which works after its confirmation. An earlier unconfirmed factor is replaced. The URI contains
 * the secret, and is never shown again. Rejects with a {@link Refusal}: those of `authorizeFactorChange`,
 * `invalid_request`, `email_unverified`, and `conflict`.
 */
export const addTotp = (deps: Deps): AddTotp => {
  const { secondFactors, totp, sealer, clock, newId, emailVerification } = deps;

  return async ({ label, ...request }) => {
    const fault = labelFault(label);
    if (fault !== null) throw new Refusal('invalid_request', fault);
    const authorized = await authorizeFactorChange(deps, request);
    const { user } = authorized;
    requireProvenAddress(user, emailVerification);
    const id = newId();
    const secret = totp.newSecret();
    const factor = {
      id,
      userId: request.userId,
      kind: 'totp',
      label,
      createdAt: clock(),
      confirmedAt: null,
      lastUsedAt: null,
      addedBy: request.sessionId,
      totp: { sealedSecret: await sealer.seal(id, secret), lastStep: null },
    } as const;
    const added = await applyChange(deps, authorized, ({ condition }) =>
      secondFactors.add(factor, condition),
    );
    if (added === 'full') throw tooManyFactors();
    return { id, uri: totp.uriOf(secret, user.username) };
  };
};

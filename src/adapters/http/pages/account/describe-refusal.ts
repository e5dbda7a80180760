import type { Refusal } from '../../../../domain/refusal.ts';
import { describeWait } from '../page.ts';

/** What the user sent as a proof. */
export type Proof = 'code' | 'sign_in_code' | 'passkey';

const PROOF_REFUSED: Readonly<Record<Proof, string>> = {
  code: 'The code is wrong, or was used before. Try again with another code.',
  // Only in a sign-in does a code belong to a challenge, which takes five answers within five minutes.
  sign_in_code:
    'The code is wrong, or was used before. After five codes or five minutes, every code is refused: start the sign-in ' +
    'again.',
  passkey:
    'The passkey was not accepted. Passkeys of another account, and answers after five minutes, are refused.',
};

/** The text of a refusal for a page. For most refusals it is the detail of the API. */
export function describeRefusal({ message, code, retryAfter }: Refusal, proof: Proof = 'code'): string {
  if (code === 'too_many_requests' && retryAfter !== undefined)
    return `Too many attempts. Try again in ${describeWait(retryAfter)}.`;
  return code === 'proof_refused' ? PROOF_REFUSED[proof] : message;
}

/**
 * The text of a refusal at a form that changes the account. The user is known, so `invalid_credentials` means a wrong
 * password.
 */
export function describeChangeRefusal(refusal: Refusal, asksPassword: boolean, proof?: Proof): string {
  switch (refusal.code) {
    case 'invalid_credentials':
      return 'The password is wrong.';
    case 'step_up_required':
      return asksPassword
        ? 'You signed in some time ago. Enter your password, too.'
        : 'This change needs a new sign-in. Sign out, sign in again, and repeat it.';
    default:
      return describeRefusal(refusal, proof);
  }
}

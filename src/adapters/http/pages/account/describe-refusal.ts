import type { Refusal } from '../../../../domain/refusal.ts';

/** The text of a refusal for a page. For most refusals it is the detail of the API. */
export function describeRefusal({ message, code, retryAfter }: Refusal): string {
  if (code === 'too_many_requests' && retryAfter !== undefined)
    return `Too many attempts. Try again in ${describeWait(retryAfter)}.`;
  if (code === 'proof_refused')
    return 'The code is wrong, or was used before. After five wrong codes or five minutes, start the sign-in or the change again.';
  return message;
}

/**
 * The text of a refusal at a form that changes the account. The user is known, so `invalid_credentials` means a wrong
 * password, and `conflict` means a taken address.
 */
export function describeChangeRefusal(refusal: Refusal, asksPassword: boolean): string {
  switch (refusal.code) {
    case 'invalid_credentials':
      return 'The password is wrong.';
    case 'conflict':
      return 'The address is taken.';
    case 'step_up_required':
      return asksPassword
        ? 'You signed in some time ago. Enter your password, too.'
        : 'This change needs a new sign-in. Sign out, sign in again, and repeat it.';
    default:
      return describeRefusal(refusal);
  }
}

function describeWait(seconds: number): string {
  const minutes = Math.ceil(seconds / 60);
  if (minutes <= 1) return 'a minute';
  return minutes < 120 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`;
}

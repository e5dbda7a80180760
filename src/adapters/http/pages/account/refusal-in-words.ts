import type { Refusal } from '../../../../domain/refusal.ts';

/** The reason of a refusal at a form: the sentence of the API without the names of its members, and when to try again. */
export function refusalInWords({ message, code, retryAfter }: Refusal): string {
  if (code === 'too_many_requests' && retryAfter !== undefined)
    return `Too many attempts. Try again in ${waitInWords(retryAfter)}.`;
  if (code === 'proof_refused')
    return 'The code is wrong, or was used before. After five codes or five minutes, begin again.';
  return message.replace(/^body\/email\b/, 'The address');
}

function waitInWords(seconds: number): string {
  const minutes = Math.ceil(seconds / 60);
  if (minutes <= 1) return 'a minute';
  return minutes < 120 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`;
}

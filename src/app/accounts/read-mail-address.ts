import { isMailbox } from '../../domain/mailbox.ts';
import { Refusal } from '../../domain/refusal.ts';
import { withAsciiDomain } from '../../lib/domain-names.ts';

/**
 * A typed address in the form in which it is stored: an international domain in ASCII form. Throws a {@link Refusal}
 * `invalid_request`, whose detail begins with `subject`.
 */
export function readMailAddress(typed: string, subject = 'The mail address'): string {
  if (/^[^@]*\P{ASCII}[^@]*@[^@]+$/u.test(typed))
    throw new Refusal(
      'invalid_request',
      `${subject} must have only ASCII characters before the @. The domain may have others.`,
    );
  const address = withAsciiDomain(typed);
  if (!isMailbox(address)) throw new Refusal('invalid_request', `${subject} must be one mailbox.`);
  return address;
}

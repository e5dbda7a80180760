import { isMailbox } from '../../domain/mailbox.ts';
import { Refusal } from '../../domain/refusal.ts';
import { withAsciiDomain } from '../../lib/domain-names.ts';

/**
 * A typed address in the form in which it is stored: an international domain in ASCII form. Throws a {@link Refusal}
 * `invalid_request` that names the member.
 */
export function readAddress(typed: string, member = 'body/email'): string {
  if (/^[^@]*\P{ASCII}[^@]*@[^@]+$/u.test(typed))
    throw new Refusal(
      'invalid_request',
      `${member} must have only ASCII characters before the @. The domain may have others.`,
    );
  const address = withAsciiDomain(typed);
  if (!isMailbox(address)) throw new Refusal('invalid_request', `${member} must be one mailbox.`);
  return address;
}

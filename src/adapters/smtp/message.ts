import type { SendMailOptions } from 'nodemailer';
import { isMailbox, type Sender } from '../../domain/mailbox.ts';
import { type Mail, MailRejected } from '../../ports/delivery/mailer.ts';

/** Restricted, because an id becomes part of a header and of a file name. */
const ID = /^[\w-]{1,128}$/;

/**
 * Makes the message for one recipient. Addresses are objects and the envelope is explicit. So the library parses no
 * text in which it could find a second recipient.
 *
 * Throws {@link MailRejected} if the recipient is not a plain mailbox, or if the id does not match {@link ID}.
 */
export function messageOf(mail: Mail, from: Sender): SendMailOptions {
  if (!isMailbox(mail.to)) throw new MailRejected('The recipient is not one plain mailbox.');
  if (!ID.test(mail.id))
    throw new MailRejected('The id of the mail must have 1 to 128 letters, digits, _ or -.');
  const recipient = { name: '', address: mail.to };
  return {
    from: { ...from },
    to: recipient,
    envelope: { from: { name: '', address: from.address }, to: [recipient] },
    messageId: `<${mail.id}@${from.address.slice(from.address.lastIndexOf('@') + 1)}>`,
    headers: { 'Auto-Submitted': 'auto-generated' }, // asks for no automatic answers (RFC 3834 section 5)
    subject: mail.subject.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' '),
    text: mail.text,
    html: mail.html,
  };
}

/** Content is literal: the library must not read a file or fetch a URL that the content names. */
export const literalContent = { disableFileAccess: true, disableUrlAccess: true } as const;

import type { SendMailOptions } from 'nodemailer';
import { isMailbox } from '../../domain/mailbox.ts';
import { type Mail, MailRejected } from '../../ports/delivery/mailer.ts';

/** An id becomes part of a header, and of a file's name. */
const ID = /^[\w-]{1,128}$/;

/**
 * The message for one recipient, `from` being one plain mailbox. Addresses are given as objects and the envelope
 * beside the headers, so that the library has no text in which it could find a second recipient.
 *
 * Throws {@link MailRejected} for a recipient that is no plain mailbox and for an id that is no plain word.
 */
export function messageOf(mail: Mail, from: string): SendMailOptions {
  if (!isMailbox(mail.to)) throw new MailRejected('The recipient is not one plain mailbox.');
  if (!ID.test(mail.id)) throw new MailRejected('The id of the mail is not a plain word.');
  const sender = { name: '', address: from };
  const recipient = { name: '', address: mail.to };
  return {
    from: sender,
    to: recipient,
    envelope: { from: sender, to: [recipient] },
    messageId: `<${mail.id}@${from.slice(from.lastIndexOf('@') + 1)}>`,
    headers: { 'Auto-Submitted': 'auto-generated' }, // RFC 3834 section 5: no automatic answers, please
    subject: mail.subject.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' '),
    text: mail.text,
    html: mail.html,
  };
}

/** Content is what it is given as: never a file to be read or an address to be fetched. */
export const closedContent = { disableFileAccess: true, disableUrlAccess: true } as const;

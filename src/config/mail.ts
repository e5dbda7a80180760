import { isIP, isIPv6 } from 'node:net';
import type { EmailVerification } from '../domain/email-address.ts';
import { isMailbox, parseSender, type Sender } from '../domain/mailbox.ts';
import { hostOf, isLoopback } from '../lib/hosts.ts';
import type { Variables } from './environment.ts';
import type { Readers } from './values.ts';

interface Smtp {
  readonly kind: 'smtp';
  readonly host: string;
  readonly port: number;
  /** The name in EHLO: a host name, or an address literal of RFC 5321. */
  readonly name: string;
  readonly username?: string;
  readonly password?: string;
}

/**
 * The destination of mails (a server, files, or none), their sender, and the recipient for users without a known
 * address.
 */
export type MailConfig =
  | ((Smtp | { readonly kind: 'files' }) & { readonly from: Sender; readonly receiver: string | null })
  | { readonly kind: 'off' };

export function readMail(
  variables: Variables,
  { production, publicUrl }: { readonly production: boolean; readonly publicUrl: string | null },
  read: Readers,
): MailConfig {
  const { MAIL, SMTP_SERVER, SMTP_USERNAME, SMTP_PASSWORD, SMTP_FROM, SMTP_RECEIVER } = variables;
  if (!['', 'off'].includes(MAIL))
    read.reportInvalid('MAIL', MAIL, 'off or blank. If it is blank, SMTP_SERVER decides');
  if (MAIL !== '') return { kind: 'off' };

  const receiver = SMTP_RECEIVER === '' ? null : SMTP_RECEIVER;
  const from = readSender(SMTP_FROM, read);
  if (receiver !== null && !isMailbox(receiver)) {
    read.reportInvalid('SMTP_RECEIVER', receiver, 'one mailbox such as auth@example.com');
  }
  const isLocal = isLoopback(hostOf(publicUrl ?? ''));
  if (SMTP_SERVER === '' && production && isLocal) {
    read.warn('SMTP_SERVER is not set, so no mails are sent: set SMTP_SERVER and SMTP_FROM.');
    return { kind: 'off' };
  }
  if (SMTP_SERVER === '' && production) {
    read.reportFault('SMTP_SERVER', 'is not set: production needs a mail server, or MAIL=off.');
  }
  if (SMTP_FROM === '' && (SMTP_SERVER !== '' || production)) {
    read.reportFault('SMTP_FROM', 'is not set: set it to the mailbox that sends the mails.');
  }
  if (SMTP_SERVER === '') return { kind: 'files', from, receiver };
  if ((SMTP_USERNAME === '') !== (SMTP_PASSWORD === '')) {
    const missing = SMTP_USERNAME === '' ? 'SMTP_USERNAME' : 'SMTP_PASSWORD';
    read.reportFault(missing, 'is not set: set both SMTP_USERNAME and SMTP_PASSWORD, or neither.');
  }
  if (production && isLocal)
    read.warn(
      'PUBLIC_URL is a loopback origin, so links in mails work on this machine only: set PUBLIC_URL.',
    );
  const host = read.host('SMTP_SERVER', SMTP_SERVER, 'SMTP_PORT');
  const port = read.integer('SMTP_PORT', variables.SMTP_PORT, 1, 65_535);
  const credentials = SMTP_USERNAME === '' ? {} : { username: SMTP_USERNAME, password: SMTP_PASSWORD };
  const name = readName(variables, { publicUrl, from }, read);
  return { kind: 'smtp', host, port, name, ...credentials, from, receiver };
}

/**
 * Without mails no user can verify an e-mail address. Then `required` is a fault, because no user could log in, and
 * `optional` becomes `off`, so that users can add second factors.
 */
export function readEmailVerification(
  { EMAIL_VERIFICATION }: Variables,
  mail: MailConfig,
  read: Readers,
): EmailVerification {
  const mode = read.choice('EMAIL_VERIFICATION', EMAIL_VERIFICATION, ['optional', 'required', 'off']);
  if (mode === 'required' && mail.kind === 'off')
    read.reportInvalid('EMAIL_VERIFICATION', mode, 'optional or off where no mails are sent');
  return mail.kind === 'off' ? 'off' : mode;
}

/** A mailbox, with or without a display name. Returns a default sender if the text is missing or invalid. */
function readSender(text: string, read: Readers): Sender {
  const sender = parseSender(text);
  if (sender !== null) return sender;
  if (text !== '') {
    read.reportInvalid('SMTP_FROM', text, 'a mailbox such as auth@example.com or Example <auth@example.com>');
  }
  return { name: '', address: 'kinship@example.com' };
}

/** The name in EHLO. Without it a container would send `[127.0.0.1]`, and relays refuse such a client. */
function readName(
  { SMTP_NAME }: Variables,
  { publicUrl, from }: { readonly publicUrl: string | null; readonly from: Sender },
  read: Readers,
): string {
  if (SMTP_NAME !== '') return addressLiteral(read.host('SMTP_NAME', SMTP_NAME));
  const host = hostOf(publicUrl ?? '');
  const hasName = host !== '' && isIP(host) === 0 && !isLoopback(host);
  return hasName ? host : from.address.slice(from.address.lastIndexOf('@') + 1);
}

/** An IP address as an address literal (RFC 5321 section 4.1.3). A host name stays as it is. */
function addressLiteral(host: string): string {
  if (isIP(host) === 0) return host;
  return isIPv6(host) ? `[IPv6:${host}]` : `[${host}]`;
}

import { createTransport, type NodemailerError, type SMTPPoolOptions } from 'nodemailer';
import type { Sender } from '../../domain/mailbox.ts';
import { isTlsFailure, ServerUnusable } from '../../lib/errors.ts';
import { isLoopback } from '../../lib/hosts.ts';
import { waitAtMost } from '../../lib/time.ts';
import { type Mail, type Mailer, MailRejected } from '../../ports/delivery/mailer.ts';
import { literalContent, messageOf } from './message.ts';

/** All in milliseconds. */
interface SmtpTimeouts {
  /** From the DNS query to the end of the TLS handshake. */
  readonly connect: number;
  readonly greeting: number;
  /** Between two bytes from the server. */
  readonly idle: number;
  /** One mail as a whole. Must be shorter than the lease of the outbox entry: otherwise the mail is sent twice. */
  readonly mail: number;
  /** The whole of `verify`. */
  readonly verify: number;
  /** How long running mails may take after `close` was called. */
  readonly close: number;
}

export interface SmtpOptions {
  readonly host: string;
  /**
   * 465: TLS from the start. 587: STARTTLS is required. Any other: STARTTLS if the server offers it, and required if
   * there are credentials and the host is not loopback.
   */
  readonly port: number;
  /** The name in EHLO. Default: the host name of the system. */
  readonly name?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly from: Sender;
  /** The certificate of an authority in PEM. It replaces the authorities of the system. */
  readonly ca?: string | undefined;
  readonly timeouts?: Partial<SmtpTimeouts> | undefined;
}

export interface SmtpMailer extends Mailer {
  /**
   * Connects once. Rejects if the certificate is not valid, or if the server does not support the required TLS.
   * Resolves otherwise, even if the server is down, is slow, or refuses the credentials. Such faults may be temporary,
   * and mails wait in the outbox.
   */
  verify(): Promise<void>;
}

const TIMEOUTS: SmtpTimeouts = {
  connect: 10_000,
  greeting: 10_000,
  idle: 30_000,
  mail: 60_000,
  verify: 15_000,
  close: 5_000,
};

/**
 * Creates a mailer over SMTP. Certificates are always verified. With credentials, TLS is required on every port unless
 * the host is loopback: a password is never sent in clear to another machine.
 */
export function createSmtpMailer(options: SmtpOptions): SmtpMailer {
  const timeouts = { ...TIMEOUTS, ...options.timeouts };
  const transport = createTransport({ ...poolOptions(options, timeouts), pool: true });
  const pending = new Set<Promise<unknown>>();

  async function send(mail: Mail): Promise<void> {
    const message = messageOf(mail, options.from);
    const sending = transport.sendMail({ ...message, signal: AbortSignal.timeout(timeouts.mail) });
    pending.add(sending);
    try {
      await sending;
    } catch (error) {
      throw isPermanentRejection(error) ? toMailRejected(error) : error;
    } finally {
      pending.delete(sending);
    }
  }

  return {
    send,

    async verify() {
      try {
        await waitAtMost(timeouts.verify, transport.verify());
      } catch (error) {
        if (isTrustFailure(error)) {
          const server = `${options.host}:${options.port}`;
          throw new ServerUnusable(`TLS with the mail server ${server} failed: ${error.message}`, {
            cause: error,
          });
        }
      }
    },

    async close() {
      transport.close();
      const deadline = setTimeout(() => transport.close({ force: true }), timeouts.close);
      await Promise.allSettled(pending);
      clearTimeout(deadline);
    },
  };
}

/**
 * Connects and authenticates as for a mail, but sends no mail. Rejects with the error. `isEncrypted` tells whether the
 * connection used TLS.
 */
export async function probeMailServer(options: SmtpOptions): Promise<{ readonly isEncrypted: boolean }> {
  const settings = poolOptions(options, TIMEOUTS);
  try {
    await createTransport({ ...settings, requireTLS: !settings.secure }).verify();
    return { isEncrypted: true };
  } catch (error) {
    const isOptional = !settings.secure && settings.requireTLS === false;
    if (!isOptional || !isNodemailerError(error) || error.code !== 'ETLS') throw error;
    await createTransport(settings).verify();
    return { isEncrypted: false };
  }
}

function poolOptions(options: SmtpOptions, timeouts: SmtpTimeouts): SMTPPoolOptions {
  const { host, port, name, username, password, ca } = options;
  const hasCredentials = username !== undefined && password !== undefined;
  return {
    ...literalContent,
    host,
    port,
    ...(name !== undefined && { name }),
    secure: port === 465,
    requireTLS: port === 587 || (hasCredentials && !isLoopback(host)),
    tls: { rejectUnauthorized: true, ...(ca !== undefined && { ca }) },
    ...(hasCredentials && { auth: { user: username, pass: password } }),
    maxRequeues: 1, // for a stale pooled connection; the outbox makes all further attempts
    connectionTimeout: timeouts.connect,
    greetingTimeout: timeouts.greeting,
    socketTimeout: timeouts.idle,
  };
}

/** Reply codes about the SMTP session or the account (RFC 5321 section 4.2.3, RFC 4954 section 6). */
const SESSION_REPLIES = new Set([503, 530, 534, 535, 538]);

/**
 * Whether the server permanently refused this mail: a 5xx reply to its recipient or its content. A refused sender is
 * not permanent: it affects every mail until the operator corrects it, so the mails wait.
 */
function isPermanentRejection(error: unknown): error is NodemailerError {
  if (!isNodemailerError(error)) return false;
  const { command, responseCode = 0 } = error;
  if (responseCode < 500 || SESSION_REPLIES.has(responseCode)) return false;
  return command === 'RCPT TO' || command === 'DATA';
}

function toMailRejected(error: NodemailerError): MailRejected {
  return new MailRejected(`The mail server refused the mail: ${error.response ?? error.message}`, {
    cause: error,
  });
}

function isTrustFailure(error: unknown): error is NodemailerError {
  if (!isNodemailerError(error)) return false;
  if (isTlsFailure(error.originalCode ?? '')) return true;
  return error.code === 'ETLS' && (error.responseCode ?? 0) >= 500;
}

function isNodemailerError(error: unknown): error is NodemailerError {
  return error instanceof Error && 'code' in error;
}

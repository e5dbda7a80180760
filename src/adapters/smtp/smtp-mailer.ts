import { setTimeout as delay } from 'node:timers/promises';
import { createTransport, type NodemailerError, type SMTPPoolOptions } from 'nodemailer';
import { type Mail, type Mailer, MailRejected } from '../../ports/delivery/mailer.ts';
import { closedContent, messageOf } from './message.ts';

/** All in milliseconds. */
interface SmtpTimeouts {
  /** From the look-up of the name to the end of a TLS handshake. */
  readonly connecting: number;
  readonly greeting: number;
  /** Without a byte from the server. */
  readonly silence: number;
  /** One mail, however busy the server keeps us: below any lease under which it is sent. */
  readonly mail: number;
  /** A look at the server before the first mail, however busy the server keeps us. */
  readonly verifying: number;
  /** What mails under way are given to finish once the mailer is closed. */
  readonly closing: number;
}

export interface SmtpOptions {
  readonly host: string;
  /** 465: TLS from the start. 587: STARTTLS, or nothing. Any other: STARTTLS where the server offers it. */
  readonly port: number;
  /** What EHLO says. Not given: what the system knows of itself. */
  readonly name?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** One plain mailbox. */
  readonly from: string;
  /** PEM of the authority to trust instead of the system's. */
  readonly ca?: string | undefined;
  readonly timeouts?: Partial<SmtpTimeouts> | undefined;
}

export interface SmtpMailer extends Mailer {
  /**
   * Connects once, and rejects if the server can never be trusted as things are: its certificate does not
   * verify, or it speaks no TLS where TLS is due. Resolves otherwise, also when the server is down, slow or
   * does not know our password: that may pass, and mails wait in the outbox meanwhile.
   */
  verify(): Promise<void>;
}

const TIMEOUTS: SmtpTimeouts = {
  connecting: 10_000,
  greeting: 10_000,
  silence: 30_000,
  mail: 60_000,
  verifying: 15_000,
  closing: 5_000,
};

/**
 * Mail over SMTP. Certificates are always verified, and a password is never sent in clear to another machine:
 * with credentials and a host that is not loopback, TLS is required on every port.
 */
export function createSmtpMailer(options: SmtpOptions): SmtpMailer {
  const timeouts = { ...TIMEOUTS, ...options.timeouts };
  const transport = createTransport({ ...poolOptions(options, timeouts), pool: true });
  const underWay = new Set<Promise<unknown>>();

  async function send(mail: Mail): Promise<void> {
    const message = messageOf(mail, options.from);
    const sending = transport.sendMail({ ...message, signal: AbortSignal.timeout(timeouts.mail) });
    underWay.add(sending);
    try {
      await sending;
    } catch (error) {
      throw isAboutThisMail(error) ? rejection(error) : error;
    } finally {
      underWay.delete(sending);
    }
  }

  return {
    send,

    async verify() {
      const late = new AbortController();
      try {
        const deadline = delay(timeouts.verifying, undefined, { signal: late.signal, ref: false });
        await Promise.race([transport.verify(), deadline]);
      } catch (error) {
        if (isAboutTrust(error)) {
          const server = `${options.host}:${options.port}`;
          throw new Error(`The mail server ${server} is not to be trusted: ${error.message}`, {
            cause: error,
          });
        }
      } finally {
        late.abort();
      }
    },

    async close() {
      transport.close();
      const giveUp = setTimeout(() => transport.close({ force: true }), timeouts.closing);
      await Promise.allSettled(underWay);
      clearTimeout(giveUp);
    },
  };
}

function poolOptions(options: SmtpOptions, timeouts: SmtpTimeouts): SMTPPoolOptions {
  const { host, port, name, username, password, ca } = options;
  const credentials = username !== undefined && password !== undefined;
  return {
    ...closedContent,
    host,
    port,
    ...(name !== undefined && { name }),
    secure: port === 465,
    requireTLS: port === 587 || (credentials && !isLoopback(host)),
    tls: { rejectUnauthorized: true, ...(ca !== undefined && { ca }) },
    ...(credentials && { auth: { user: username, pass: password } }),
    maxRequeues: 1, // a connection that had gone stale; beyond that the outbox tries again
    connectionTimeout: timeouts.connecting,
    greetingTimeout: timeouts.greeting,
    socketTimeout: timeouts.silence,
  };
}

function isLoopback(host: string): boolean {
  return /^(?:localhost|127\.\d+\.\d+\.\d+|::1)$/i.test(host);
}

/** Answers that speak of the session or of our account there (RFC 5321 section 4.2.3, RFC 4954 section 6). */
const NOT_ABOUT_THE_MAIL = new Set([503, 530, 534, 535, 538]);

/**
 * Whether the server refused this mail for good: a 5xx to its recipient or its content. A refused sender is the
 * operator's to put right and the same for every mail, so those wait.
 */
function isAboutThisMail(error: unknown): error is NodemailerError {
  if (!isNodemailerError(error)) return false;
  const { command, responseCode = 0 } = error;
  if (responseCode < 500 || NOT_ABOUT_THE_MAIL.has(responseCode)) return false;
  return command === 'RCPT TO' || command === 'DATA';
}

function rejection(error: NodemailerError): MailRejected {
  return new MailRejected(`The mail server refuses the mail: ${error.response ?? error.message}`, {
    cause: error,
  });
}

/** How OpenSSL and Node name a certificate that does not verify, and a peer that speaks no TLS. */
const UNTRUSTED =
  /^(?:CERT_|ERR_SSL_|ERR_TLS_CERT_)|SELF_SIGNED_CERT|ISSUER_CERT|LEAF_SIGNATURE|^(?:INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH|PATH_LENGTH_EXCEEDED|EPROTO)$/;

function isAboutTrust(error: unknown): error is NodemailerError {
  if (!isNodemailerError(error)) return false;
  if (UNTRUSTED.test(error.originalCode ?? '')) return true;
  return error.code === 'ETLS' && (error.responseCode ?? 0) >= 500;
}

function isNodemailerError(error: unknown): error is NodemailerError {
  return error instanceof Error && 'code' in error;
}

import { readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import type { Sender } from '../../domain/mailbox.ts';
import { makeFolder } from '../../lib/make-folder.ts';
import type { Mail, Mailer } from '../../ports/delivery/mailer.ts';
import type { Log } from '../../ports/log.ts';
import { literalContent, messageOf } from './message.ts';

export interface FileMailerOptions {
  /** Created with the first mail, accessible to the user of the process only. */
  readonly folder: string;
  readonly from: Sender;
  readonly log: Log;
}

/**
 * Creates a mailer without a mail server: it writes each message to `<time>-<id>.eml` in a folder and logs the file. A
 * mail that is sent again replaces its file. Only one process may write to a folder. The text is not encoded, so that
 * people can copy its links.
 */
export function createFileMailer({ folder, from, log }: FileMailerOptions): Mailer {
  const transport = createTransport({ ...literalContent, streamTransport: true, buffer: true });
  let lastWrite: Promise<unknown> = Promise.resolve();

  async function write(mail: Mail): Promise<void> {
    const { message } = await transport.sendMail(messageOf(mail, from));
    makeFolder(folder);
    const file = join(folder, (await findName(folder, mail.id)) ?? newName(mail.id));
    const temporary = join(folder, `.${mail.id}.part`);
    await writeFile(temporary, withPlainText(message as Buffer), { mode: 0o600 });
    await rename(temporary, file);
    log.info({ mailId: mail.id, file }, 'mail written to a file');
  }

  return {
    /** Writes one mail at a time. Otherwise two concurrent sends of one id would create two files. */
    send(mail) {
      const written = lastWrite.then(() => write(mail));
      lastWrite = written.catch(() => undefined);
      return written;
    },

    async close() {
      await lastWrite;
    },
  };
}

/**
 * The message with its text part in 8bit instead of quoted-printable (RFC 2045 section 6.7), which would break long
 * links.
 */
function withPlainText(message: Buffer): Buffer {
  const text = message.toString('latin1').replace(TEXT_PART, (_, head: string, body: string) => {
    const joined = body.replace(/=\r\n/g, '');
    const decoded = joined.replace(/=([\dA-F]{2})/g, (_, code: string) =>
      String.fromCharCode(parseInt(code, 16)),
    );
    return `${head}Content-Transfer-Encoding: 8bit\r\n\r\n${decoded}`;
  });
  return Buffer.from(text, 'latin1');
}

const TEXT_PART =
  /(Content-Type: text\/plain[^\r]*\r\n)Content-Transfer-Encoding: quoted-printable\r\n\r\n([\s\S]*?)(?=\r\n--)/;

/** The name of the file that an earlier attempt to send this mail wrote. */
async function findName(folder: string, id: string): Promise<string | undefined> {
  const suffix = `Z-${id}.eml`;
  return (await readdir(folder)).find((name) => name.endsWith(suffix));
}

/** Names sort by time and are valid on every file system. */
function newName(id: string): string {
  return `${new Date().toISOString().replace(/[:.]/g, '-')}-${id}.eml`;
}

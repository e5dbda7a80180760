import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import type { Sender } from '../../domain/mailbox.ts';
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
 * mail that is sent again replaces its file. Only one process may write to a folder.
 */
export function createFileMailer({ folder, from, log }: FileMailerOptions): Mailer {
  const transport = createTransport({ ...literalContent, streamTransport: true, buffer: true });
  let lastWrite: Promise<unknown> = Promise.resolve();

  async function write(mail: Mail): Promise<void> {
    const { message } = await transport.sendMail(messageOf(mail, from));
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const file = join(folder, (await findName(folder, mail.id)) ?? newName(mail.id));
    const temporary = join(folder, `.${mail.id}.part`);
    await writeFile(temporary, message, { mode: 0o600 });
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

/** The name of the file that an earlier attempt to send this mail wrote. */
async function findName(folder: string, id: string): Promise<string | undefined> {
  const suffix = `Z-${id}.eml`;
  return (await readdir(folder)).find((name) => name.endsWith(suffix));
}

/** Names sort by time and are valid on every file system. */
function newName(id: string): string {
  return `${new Date().toISOString().replace(/[:.]/g, '-')}-${id}.eml`;
}

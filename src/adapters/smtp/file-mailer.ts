import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import type { Mail, Mailer } from '../../ports/delivery/mailer.ts';
import type { Log } from '../../ports/log.ts';
import { closedContent, messageOf } from './message.ts';

export interface FileMailerOptions {
  /** Made when the first mail is written, for this user alone. */
  readonly folder: string;
  /** One plain mailbox. */
  readonly from: string;
  readonly log: Log;
}

/**
 * Mail without a mail server: each message becomes `<time>-<id>.eml` in a folder, named in the log, one file for
 * one id however often it is sent. Only one process may write into a folder.
 */
export function createFileMailer({ folder, from, log }: FileMailerOptions): Mailer {
  const transport = createTransport({ ...closedContent, streamTransport: true, buffer: true });
  let last: Promise<unknown> = Promise.resolve();

  async function write(mail: Mail): Promise<void> {
    const { message } = await transport.sendMail(messageOf(mail, from));
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const file = join(folder, (await nameSoFar(folder, mail.id)) ?? newName(mail.id));
    const unfinished = join(folder, `.${mail.id}.part`);
    await writeFile(unfinished, message, { mode: 0o600 });
    await rename(unfinished, file);
    log.info({ mailId: mail.id, file }, 'mail written to a file');
  }

  return {
    /** One after the other, or an id sent twice at once would not see its own file. */
    send(mail) {
      const written = last.then(() => write(mail));
      last = written.catch(() => undefined);
      return written;
    },

    async close() {
      await last;
    },
  };
}

async function nameSoFar(folder: string, id: string): Promise<string | undefined> {
  const ending = `Z-${id}.eml`;
  return (await readdir(folder)).find((name) => name.endsWith(ending));
}

/** Sorts by time, and is a name on every file system. */
function newName(id: string): string {
  return `${new Date().toISOString().replace(/[:.]/g, '-')}-${id}.eml`;
}

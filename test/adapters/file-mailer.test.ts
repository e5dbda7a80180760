import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createFileMailer } from '../../src/adapters/smtp/file-mailer.ts';
import { MailRejected } from '../../src/ports/delivery/mailer.ts';

const MAIL = { to: 'ann@example.com', subject: 'Hello', text: 'Text', html: '<p>Text</p>' };

async function open(t: Test) {
  const root = await mkdtemp(join(tmpdir(), 'file-mailer-test-'));
  t.teardown(() => rm(root, { recursive: true, force: true }));
  const folder = join(root, 'data', 'mail');
  const lines: object[] = [];
  const add = (members: object) => lines.push(members);
  const log = { info: add, warn: add, error: add };
  return {
    folder,
    lines,
    mailer: createFileMailer({ folder, from: { name: '', address: 'kinship@auth.example.com' }, log }),
  };
}

t.test('a mail becomes a file that only this user can read, and the log names it', async (t) => {
  const { folder, lines, mailer } = await open(t);
  await mailer.send({ ...MAIL, id: 'a1' });
  const [name = '', ...others] = await readdir(folder);
  t.same(others, []);
  t.match(name, /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z-a1\.eml$/);
  t.equal((await stat(folder)).mode & 0o777, 0o700);
  t.equal((await stat(join(folder, name))).mode & 0o777, 0o600);
  const message = await readFile(join(folder, name), 'utf8');
  t.match(message, /^From: kinship@auth\.example\.com\r?$/m);
  t.match(message, /^To: ann@example\.com\r?$/m);
  t.match(message, /^Message-ID: <a1@auth\.example\.com>\r?$/m);
  t.match(message, /^Auto-Submitted: auto-generated\r?$/m);
  t.match(message, '<p>Text</p>');
  t.same(lines, [{ mailId: 'a1', file: join(folder, name) }]);
});

t.test(
  'mails with the same id become one file, even at the same time, and file names sort by time',
  async (t) => {
    const { folder, mailer } = await open(t);
    await Promise.all([mailer.send({ ...MAIL, id: 'b' }), mailer.send({ ...MAIL, id: 'b' })]);
    const written = Date.now();
    while (Date.now() === written) await new Promise(setImmediate);
    await mailer.send({ ...MAIL, id: 'a' });
    await mailer.send({ ...MAIL, id: 'b', subject: 'Again' });
    const names = (await readdir(folder)).sort();
    t.same(
      names.map((name) => name.slice(-6)),
      ['-b.eml', '-a.eml'],
    );
    t.match(await readFile(join(folder, names[0] ?? ''), 'utf8'), /^Subject: Again\r?$/m);
  },
);

t.test('an id that leads to another file, or a second recipient, is refused without a file', async (t) => {
  const { folder, mailer } = await open(t);
  await t.rejects(mailer.send({ ...MAIL, id: '../../evil' }), MailRejected);
  await t.rejects(mailer.send({ ...MAIL, id: 'a', to: 'a@b.c\r\nBcc: evil@x.y' }), MailRejected);
  await t.rejects(readdir(folder), { code: 'ENOENT' });
});

t.test('a mail fails if the folder cannot be written to, and later mails can succeed', async (t) => {
  const { folder, mailer } = await open(t);
  await mkdir(join(folder, '..'), { recursive: true });
  await writeFile(folder, 'in the way');
  await t.rejects(mailer.send({ ...MAIL, id: 'a' }), { code: 'EEXIST' });
  await rm(folder);
  await t.resolves(mailer.send({ ...MAIL, id: 'a' }));
  const closing = mailer.send({ ...MAIL, id: 'b' });
  await mailer.close();
  t.equal((await readdir(folder)).length, 2, 'close waits for the mail that is being written');
  await closing;
});

t.test('the text of a file can be read and copied without decoding', async (t) => {
  const { folder, mailer } = await open(t);
  const link = `https://auth.example.com/auth/not-me?token=3D${'a'.repeat(120)}`;
  await mailer.send({ ...MAIL, id: 'a1', text: `Grüße = ${link}\n`, html: `<p>${link}</p>` });
  const [name = ''] = await readdir(folder);
  const message = await readFile(join(folder, name), 'utf8');
  t.match(message, `Grüße = ${link}`);
  t.match(message, /text\/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n/);
  t.match(message, /text\/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable/);
});

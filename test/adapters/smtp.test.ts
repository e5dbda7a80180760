import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SMTPServerOptions } from 'smtp-server';
import t, { type Test } from 'tap';
import { createSmtpMailer, type SmtpOptions } from '../../src/adapters/smtp/smtp-mailer.ts';
import { type Mail, MailRejected } from '../../src/ports/delivery/mailer.ts';
import { PLAIN, serveMail } from '../support/mail-server.ts';
import { skipFor } from '../support/skip.ts';

const OPENSSL = 'openssl';
const FROM = 'kinship@auth.example.com';
/** Timeouts for servers that never answer. Other servers get the default timeouts. */
const QUICK = { greeting: 200, idle: 200, close: 100 };

/** A server that sends only the given answers, for behavior that no library of mail servers has. */
async function serveRaw(t: Test, speak: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    speak(socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function mailer(t: Test, options: Partial<SmtpOptions> & { port: number }) {
  const created = createSmtpMailer({ host: '127.0.0.1', from: { name: '', address: FROM }, ...options });
  t.teardown(() => created.close());
  return created;
}

function someMail(values: Partial<Mail> = {}): Mail {
  return {
    id: 'a1-b2',
    to: 'ann@example.com',
    subject: 'Hello',
    text: 'Text',
    html: '<p>Text</p>',
    ...values,
  };
}

function answer(responseCode: number, message = 'no') {
  return Object.assign(new Error(message), { responseCode });
}

/** The error of the promise. Asserts that it is a temporary failure, not a rejection of the mail. */
async function temporaryFailure(t: Test, sending: Promise<void>): Promise<Error> {
  const error: unknown = await sending.then(() => null).catch((thrown: unknown) => thrown);
  t.type(error, Error);
  t.notOk(error instanceof MailRejected, 'the failure is temporary');
  return error as Error;
}

/** A self-signed certificate; null if OpenSSL fails. */
function selfSigned(): { key: string; cert: string } | null {
  const folder = mkdtempSync(join(tmpdir(), 'smtp-test-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const name = ['-subj', '/CN=mail.test', '-addext', 'subjectAltName=IP:127.0.0.1,IP:0.0.0.0'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const files = ['-keyout', key, '-out', cert];
  const { status } = spawnSync(OPENSSL, ['req', '-x509', ...kind, ...name, ...files]);
  if (status !== 0) return null;
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
}

const certificate = selfSigned();
const WITH_TLS: SMTPServerOptions = { ...certificate, authOptional: true, disableReverseLookup: true };

t.test('a mail arrives, with one sender, one recipient and a stable id', async (t) => {
  const { port, received } = await serveMail(t);
  const smtp = mailer(t, { port });
  await smtp.send(someMail({ subject: 'Grüße', text: 'Größe\n.\nline', html: '<p>Größe</p>' }));
  await smtp.send(someMail());
  t.equal(received.length, 2);
  const [first, second] = received;
  t.match(first, { from: FROM, to: { length: 1, 0: 'ann@example.com' }, secure: false });
  t.match(first?.message, /^From: kinship@auth\.example\.com\r$/m);
  t.match(first?.message, /^To: ann@example\.com\r$/m);
  t.match(first?.message, /^Subject: =\?UTF-8\?/m);
  t.match(first?.message, /^Auto-Submitted: auto-generated\r$/m);
  t.match(first?.message, /^Content-Type: multipart\/alternative;/m);
  for (const each of [first, second]) {
    t.match(each?.message, /^Message-ID: <a1-b2@auth\.example\.com>\r$/m);
  }
});

t.test('the sender may have a display name, which the envelope does not carry', async (t) => {
  const { port, received } = await serveMail(t);
  await mailer(t, { port, from: { name: 'Example, "Inc"', address: FROM } }).send(someMail());
  t.equal(received[0]?.from, FROM);
  t.match(received[0]?.message, /^From: "Example, \\"Inc\\"" <kinship@auth\.example\.com>\r$/m);
});

t.test('connections are reused', async (t) => {
  const { port, received, connections } = await serveMail(t);
  const smtp = mailer(t, { port });
  for (let index = 0; index < 3; index += 1) await smtp.send(someMail());
  t.equal(received.length, 3);
  t.equal(connections(), 1);
});

t.test('a relay that refuses the address of a container in EHLO accepts the configured name', async (t) => {
  const { port, received } = await serveMail(t, {
    ...PLAIN,
    onMailFrom(_from, { hostNameAppearsAs: name }, done) {
      if (typeof name === 'string' && !name.startsWith('[')) done();
      else done(answer(421, 'Try again later'));
    },
  });
  t.match(await temporaryFailure(t, mailer(t, { port, name: '[127.0.0.1]' }).send(someMail())), {
    responseCode: 421,
  });
  await mailer(t, { port, name: 'auth.example.com' }).send(someMail());
  t.equal(received.length, 1);
});

t.test('a recipient that is not one plain mailbox is refused before a connection is made', async (t) => {
  const { port, connections } = await serveMail(t);
  const smtp = mailer(t, { port });
  const recipients = [
    '',
    'a@b.c\r\nBcc: evil@x.y',
    'a@b.c\nRCPT TO:<evil@x.y>',
    'a@b.c, evil@x.y',
    'a@b.c;evil@x.y',
    'Ann <a@b.c>',
    '<a@b.c>',
    'group: a@b.c, evil@x.y;',
    '"a@b.c evil"@x.y',
    '"evil@x.y,"@b.c',
    'a@b.c evil@x.y',
    'a@b@c.d',
    'a(evil@x.y)@b.c',
    'a@[127.0.0.1]',
    'a\0@b.c',
    `${'a'.repeat(250)}@b.cd`,
  ];
  for (const to of recipients) {
    await t.rejects(smtp.send(someMail({ to })), MailRejected, JSON.stringify(to));
  }
  t.equal(connections(), 0);
});

t.test('no text of a mail becomes a header or a second recipient', async (t) => {
  const { port, received } = await serveMail(t);
  const smtp = mailer(t, { port });
  const injected = 'x\r\nBcc: evil@x.y\r\n\r\nbody\u2028Cc: evil@x.y\0';
  await smtp.send(someMail({ subject: injected, text: '/etc/passwd', html: 'http://127.0.0.1:1/' }));
  await t.rejects(smtp.send(someMail({ id: 'a\r\nBcc: evil@x.y' })), MailRejected);
  await t.rejects(smtp.send(someMail({ id: '../a' })), MailRejected);
  t.equal(received.length, 1);
  t.same(received[0]?.to, ['ann@example.com']);
  t.notMatch(received[0]?.message, /^(?:bcc|cc):/im);
  t.match(received[0]?.message, /^Subject: x Bcc: evil@x\.y body Cc: evil@x\.y ?\r$/m);
  t.match(received[0]?.message, '/etc/passwd', 'a path is sent as text');
  t.match(received[0]?.message, 'http://127.0.0.1:1/', 'an address is sent as text');
});

t.test('a recipient or content refused with 5xx is a permanent rejection', async (t) => {
  const recipient = await serveMail(t, { ...PLAIN, onRcptTo: (_to, _session, done) => done(answer(550)) });
  await t.rejects(mailer(t, recipient).send(someMail()), MailRejected);
  await t.rejects(mailer(t, recipient).send(someMail()), { message: /550 no/ });

  const script = [answer(554), null];
  const content = await serveMail(t, {
    ...PLAIN,
    onData: (stream, _session, done) => stream.on('end', () => done(script.shift())).resume(),
  });
  const smtp = mailer(t, content);
  await t.rejects(smtp.send(someMail()), MailRejected);
  await t.resolves(smtp.send(someMail()), 'the next mail can succeed');
});

t.test('a reply 4xx, and a reply 5xx that is not about the mail, are temporary failures', async (t) => {
  for (const code of [421, 450, 451, 452]) {
    const { port } = await serveMail(t, { ...PLAIN, onRcptTo: (_to, _session, done) => done(answer(code)) });
    await temporaryFailure(t, mailer(t, { port }).send(someMail()));
  }
  const later = await serveMail(t, {
    ...PLAIN,
    onData: (stream, _session, done) => stream.on('end', () => done(answer(451))).resume(),
  });
  await temporaryFailure(t, mailer(t, later).send(someMail()));
  const sender = await serveMail(t, { ...PLAIN, onMailFrom: (_from, _session, done) => done(answer(550)) });
  await temporaryFailure(t, mailer(t, sender).send(someMail()));
  const login = await serveMail(t, { ...PLAIN, onRcptTo: (_to, _session, done) => done(answer(530)) });
  await temporaryFailure(t, mailer(t, login).send(someMail()));
  const closed = await serveMail(t, { ...PLAIN, onConnect: (_session, done) => done(answer(554)) });
  await temporaryFailure(t, mailer(t, closed).send(someMail()));
});

t.test('a wrong password is a temporary failure', async (t) => {
  const { port, received } = await serveMail(t, {
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    disableReverseLookup: true,
    onAuth: ({ username, password }, _session, done) =>
      password === 'right' ? done(null, { user: username }) : done(answer(535)),
  });
  const wrong = mailer(t, { port, username: 'ann', password: 'wrong' });
  const error = await temporaryFailure(t, wrong.send(someMail()));
  t.notMatch(error.message, 'wrong');
  await t.resolves(wrong.verify());
  const right = mailer(t, { port, username: 'ann', password: 'right' });
  await right.send(someMail());
  t.equal(received[0]?.user, 'ann');
});

t.test('a silent, slow, absent or broken server delays a mail for a limited time', async (t) => {
  const silent = await serveRaw(t, () => undefined);
  t.match(await temporaryFailure(t, mailer(t, { port: silent, timeouts: QUICK }).send(someMail())), {
    code: 'ETIMEDOUT',
  });

  const stuck = await serveMail(t, { ...PLAIN, onData: (stream) => stream.resume() });
  t.match(await temporaryFailure(t, mailer(t, { port: stuck.port, timeouts: QUICK }).send(someMail())), {
    code: 'ETIMEDOUT',
  });

  const trickling = await serveRaw(t, (socket) => {
    socket.write('220 mail.test\r\n');
    const timer = setInterval(() => socket.write('250-x\r\n'), 20);
    socket.on('close', () => clearInterval(timer));
  });
  const smtp = mailer(t, { port: trickling, timeouts: { mail: 300 } });
  t.match(await temporaryFailure(t, smtp.send(someMail())), { code: 'EABORT' });
  const starting = mailer(t, { port: trickling, timeouts: { verify: 300 } });
  await t.resolves(starting.verify(), 'an endless answer does not block the start');

  const rude = await serveRaw(t, (socket) => socket.destroy());
  await temporaryFailure(t, mailer(t, { port: rude }).send(someMail()));
  await t.resolves(mailer(t, { port: rude }).verify());

  const { port } = await serveMail(t);
  const gone = mailer(t, { port, host: 'mail.invalid' });
  await temporaryFailure(t, gone.send(someMail()));
  await t.resolves(gone.verify(), 'a server that is down does not stop the start');
});

t.test('a closed mailer refuses mails, and waits for running ones for a limited time', async (t) => {
  const stuck = await serveMail(t, { ...PLAIN, onData: (stream) => stream.resume() });
  const smtp = mailer(t, { port: stuck.port, timeouts: { close: 100 } });
  const underWay = temporaryFailure(t, smtp.send(someMail()));
  while (stuck.connections() === 0) await new Promise(setImmediate);
  await smtp.close();
  await underWay;
  await temporaryFailure(t, smtp.send(someMail()));
});

t.test('STARTTLS is used if it is offered, and its certificate must verify', async (t) => {
  if (certificate === null) return skipFor(t, OPENSSL);
  const { port, received } = await serveMail(t, WITH_TLS);
  const untrusting = mailer(t, { port });
  await temporaryFailure(t, untrusting.send(someMail()));
  await t.rejects(untrusting.verify(), {
    message: /^TLS with the mail server 127\.0\.0\.1:\d+ failed: /,
  });
  t.equal(received.length, 0);

  const trusting = mailer(t, { port, ca: certificate.cert });
  await t.resolves(trusting.verify());
  await trusting.send(someMail());
  t.match(received, [{ secure: true }]);
});

t.test('a certificate of another name does not verify', async (t) => {
  if (certificate === null) return skipFor(t, OPENSSL);
  const { port, received } = await serveMail(t, WITH_TLS);
  const smtp = mailer(t, { port, host: 'localhost', ca: certificate.cert });
  await t.rejects(smtp.verify(), { message: /^TLS with the mail server / });
  await temporaryFailure(t, smtp.send(someMail()));
  t.equal(received.length, 0);
});

t.test(
  'no password is sent unencrypted to another machine',
  { skip: process.platform !== 'linux' },
  async (t) => {
    if (certificate === null) return skipFor(t, OPENSSL);
    // 0.0.0.0 is also this machine, but the mailer does not treat it as local
    const host = '0.0.0.0';
    const seen: string[] = [];
    const onAuth: SMTPServerOptions['onAuth'] = ({ username = '' }, session, done) => {
      seen.push(`${username} ${session.secure ? 'over TLS' : 'in clear'}`);
      done(null, { user: username });
    };
    const clear = await serveMail(t, { disabledCommands: ['STARTTLS'], allowInsecureAuth: true, onAuth });
    const credentials = { username: 'ann', password: 'secret' };
    const smtp = mailer(t, { port: clear.port, host, ...credentials });
    await temporaryFailure(t, smtp.send(someMail()));
    await t.rejects(smtp.verify(), { message: /^TLS with the mail server / });
    t.same(seen, []);

    const tls = await serveMail(t, { ...certificate, disableReverseLookup: true, onAuth });
    await mailer(t, { port: tls.port, host, ca: certificate.cert, ...credentials }).send(someMail());
    t.same(seen, ['ann over TLS']);

    const hostile = await serveRaw(t, (socket) => {
      socket.write('220 mail.test\r\n');
      socket.on('data', (chunk) => {
        seen.push(chunk.toString());
        socket.write('502 no\r\n');
      });
    });
    const before = seen.length;
    await temporaryFailure(t, mailer(t, { port: hostile, host, ...credentials }).send(someMail()));
    t.notMatch(seen.slice(before).join(''), /AUTH/, 'no password is sent to a server without EHLO');
  },
);

import { chmodSync, chownSync, copyFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import t, { type Test } from 'tap';
import { connect } from '../../src/adapters/postgres/connect.ts';
import { execute } from '../../src/adapters/postgres/execute.ts';
import { issueCertificate, OPENSSL } from '../support/certificate.ts';
import { requirePrivatePostgres, startPrivatePostgres } from '../support/private-postgres.ts';
import { skipFor } from '../support/skip.ts';

/** The certificate is for `localhost`. The system does not know the authority that issued it. */
t.test('TLS to PostgreSQL verifies what sslmode and sslrootcert require', async (t) => {
  if (!requirePrivatePostgres(t)) return;
  const issued = issueCertificate('localhost', t.testdir());
  if (issued === null) return skipFor(t, OPENSSL);
  const server = await startPrivatePostgres(t);
  const ask = (host: string, query: string) => outcomeOf(t, `postgres://postgres@${host}/postgres?${query}`);
  const [byName, byAddress] = [`localhost:${server.port}`, `127.0.0.1:${server.port}`];
  const root = `sslrootcert=${issued.authority}`;
  const refusal = (reason: RegExp) => ({ outcome: 'nothing', code: 'DATABASE_UNFIT', message: reason });

  t.match(await ask(byName, `sslmode=verify-full&${root}`), refusal(/offers no TLS/), 'a server without TLS');
  t.match(await ask(byName, 'sslmode=disable'), { encrypted: false });

  const files = filesOf(t, issued, statSync(server.dataDir));
  const admin = postgres(server.url, { max: 1 });
  await admin.unsafe(`alter system set ssl_cert_file = '${files.certificate}'`);
  await admin.unsafe(`alter system set ssl_key_file = '${files.key}'`);
  await admin`alter system set ssl = on`;
  await admin.end({ timeout: 1 });
  await server.stop('fast');
  await server.start();

  const encrypted = { encrypted: true };
  t.match(await ask(byName, `sslmode=verify-full&${root}`), encrypted);
  t.match(await ask(byName, `sslmode=require&${root}`), encrypted);
  t.match(await ask(byName, root), encrypted, 'an authority alone asks for TLS');
  t.match(await ask(byAddress, `sslmode=verify-ca&${root}`), encrypted, 'verify-ca compares no name');
  t.match(await ask(byAddress, `sslmode=verify-full&${root}`), refusal(/IP: 127\.0\.0\.1/), 'a wrong name');
  const untrusted = refusal(/unable to (?:verify|get local issuer)|self.signed/);
  t.match(await ask(byName, 'sslmode=verify-full'), untrusted, 'an authority that is not known');
  t.match(await ask(byName, 'sslmode=require'), untrusted);
  t.match(await ask(byName, 'sslmode=verify-ca&sslrootcert=system'), untrusted);
  const noCertificate = `sslmode=verify-full&sslrootcert=${issued.key}`;
  t.match(await ask(byName, noCertificate), { outcome: 'nothing' }, 'a file without a certificate');
});

t.test('a start of TLS that the server does not complete fails, and throws nothing uncaught', async (t) => {
  const thrown: unknown[] = [];
  const note = (error: unknown) => thrown.push(error);
  process.on('uncaughtException', note);
  t.teardown(() => process.off('uncaughtException', note));
  const query = 'sslmode=verify-full&connect_timeout=1';
  const answers: Record<string, string | null> = {
    'the server agrees and never continues': 'S',
    'the server never answers': null,
    'the server reports an error': 'E\0\0\0\x20SFATAL\0C53300\0Mtoo many\0\0',
    'the server sends a part of an error': 'E',
    'the server sends more than its agreement': 'SS',
  };
  for (const [what, answer] of Object.entries(answers)) {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket.on('error', () => {}));
      if (answer !== null) socket.once('data', () => socket.write(answer));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    const { code } = await outcomeOf(t, `postgres://postgres@127.0.0.1:${port}/postgres?${query}`);
    t.match(code, /^(?:CONNECT_TIMEOUT|ECONNRESET)$/, what);
    for (const socket of sockets) socket.destroy();
    server.close();
  }
  t.same(thrown, [], 'no uncaught exception occurs');
});

interface Outcome {
  readonly encrypted?: boolean;
  readonly outcome?: string;
  readonly code?: string;
  readonly message?: string;
}

async function outcomeOf(t: Test, url: string): Promise<Outcome> {
  const sql = connect({ kind: 'url', url, pool: 1 });
  t.teardown(() => sql.end({ timeout: 0 }));
  return execute(sql<{ ssl: boolean }[]>`select ssl from pg_stat_ssl where pid = pg_backend_pid()`).then(
    ([row]): Outcome => ({ encrypted: row!.ssl }),
    ({ outcome, cause }) => ({ outcome, code: cause?.code, message: cause?.message }),
  );
}

/** Copies the files for the account of the server, because PostgreSQL refuses a key that other accounts can read. */
function filesOf(t: Test, issued: { key: string; certificate: string }, owner: { uid: number; gid: number }) {
  const folder = mkdtempSync(join(tmpdir(), 'kinship-tls-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  chownSync(folder, owner.uid, owner.gid);
  const copy = (from: string, name: string) => {
    const to = join(folder, name);
    copyFileSync(from, to);
    chownSync(to, owner.uid, owner.gid);
    chmodSync(to, 0o600);
    return to;
  };
  return { key: copy(issued.key, 'key.pem'), certificate: copy(issued.certificate, 'cert.pem') };
}

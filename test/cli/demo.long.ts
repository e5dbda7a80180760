import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createSelfSigned, OPENSSL, untrustedServer } from '../support/certificate.ts';
import { kinship } from '../support/kinship.ts';
import { freePort } from '../support/ports.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { dataDir, startServiceInProcess } from '../support/service-in-process.ts';
import { skipFor } from '../support/skip.ts';

async function start(t: Test, env: Record<string, string> = {}) {
  const DATA_DIR = await dataDir(t);
  const { url } = await startServiceInProcess(t, { DATA_DIR, DATABASE_URL: await testDatabase(t), ...env });
  return { DATA_DIR, url, API_PORT: new URL(url).port };
}

t.test('the demo shows the real answers of a service with the defaults, and the mail', async (t) => {
  if (!(await requirePostgres(t))) return;
  const { DATA_DIR, API_PORT } = await start(t);
  const { code, stdout, stderr } = await kinship(['demo'], { DATA_DIR, API_PORT });
  t.match({ code, stderr }, { code: 0, stderr: '' });
  const tokens = 'access …\\S{8}, refresh …(\\S{8})';
  const [, first, second] =
    new RegExp(
      `1\\. .*\\n {3}POST /auth/login -> 200 ${tokens}\\n2\\. .*\\n3\\. .*\\n {3}POST /auth/refresh -> 200 ${tokens}\\n`,
    ).exec(stdout) ?? [];
  t.ok(first !== undefined && second !== undefined && first !== second, stdout);
  t.match(stdout, /4\. .*\n {3}POST \/auth\/refresh -> 401 token_reused: This refresh token was used before/);
  t.match(stdout, /5\. .*\n {3}POST \/auth\/refresh -> 401 session_revoked: /);
  const [, file = ''] = /The service warns the victim by mail: (.*\.eml)\n {3}Subject: \S/.exec(stdout) ?? [];
  t.ok(file.startsWith(join(DATA_DIR, 'mail')) && existsSync(file), file);
  const [, shown = ''] =
    /^```text\n(1\. The victim[\s\S]*?)^```$/m.exec(await readFile('docs/cli.md', 'utf8')) ?? [];
  t.equal(withoutTokensAndPaths(stdout), withoutTokensAndPaths(shown), 'docs/cli.md shows the same');
});

function withoutTokensAndPaths(text: string): string {
  return text.replace(/…[\w-]{8}/g, '…').replace(/by mail: .*\.eml/, 'by mail: FILE');
}

t.test('the demo names the mail about the reuse, also if it registers an account', async (t) => {
  if (!(await requirePostgres(t))) return;
  const { DATA_DIR, API_PORT } = await start(t, { LOGIN_BY_USER_ID: 'off' });
  const { code, stdout } = await kinship(['demo'], { DATA_DIR, API_PORT });
  t.equal(code, 0);
  const [, file = '', subject] = /by mail: (.*\.eml)\n {3}(.*)\n$/.exec(stdout) ?? [];
  t.equal(subject, 'Subject: We ended one of your sessions');
  t.match(await readFile(file, 'utf8'), /^Subject: We ended one of your sessions\r?$/m);
});

t.test('the demo registers an account where login by user id is off', async (t) => {
  if (!(await requirePostgres(t))) return;
  const { url, DATA_DIR } = await start(t, { LOGIN_BY_USER_ID: 'off' });
  const { code, stdout } = await kinship(['demo', '--url', url, '--email', 'ann@example.com'], { DATA_DIR });
  t.equal(code, 0);
  t.match(stdout, /^Login by user id requires .* the demo registered the account demo-[0-9a-f]{8}\.\n\n1\. /);
  t.match(stdout, /-> 401 session_revoked/);
  t.match(stdout, /look into the inbox of ann@example\.com/);
  t.match(await kinship(['demo', '--url', url, '--email', 'ann@example.com'], { DATA_DIR }), {
    code: 1,
    stderr: 'ann@example.com has an account already. Choose another address with --email.\n',
  });
});

t.test('the demo fails with the reason if the service refuses it or does not answer', async (t) => {
  if (!(await requirePostgres(t))) return;
  const DATA_DIR = t.testdir();
  const { url } = await start(t, { MAIL: 'off', REGISTER_LIMIT: '1/1h', LOGIN_BY_USER_ID: 'off' });
  const { code, stdout } = await kinship(['demo', '--url', url], { DATA_DIR });
  t.equal(code, 0);
  t.match(stdout, /The mail goes to an address that does not exist: --email names another one\.\n$/);
  t.match(await kinship(['demo', '--url', url], { DATA_DIR }), {
    code: 1,
    stderr: /^POST \/auth\/register should have answered a pair of tokens: 429 /,
  });
  t.match(await kinship(['demo', '--url', `http://127.0.0.1:${await freePort()}`], { DATA_DIR }), {
    code: 1,
    stderr: /^No service answers at http:.*: start it with .+, or name it with --url\. .* ECONNREFUSED\n$/,
  });
});

t.test('the demo says that the certificate of the service is not trusted', async (t) => {
  const pem = createSelfSigned();
  if (pem === null) return skipFor(t, OPENSSL);
  const { port } = await untrustedServer(t, pem);
  t.match(await kinship(['demo', '--url', `https://127.0.0.1:${port}`], { DATA_DIR: t.testdir() }), {
    code: 1,
    stderr: /^No service answers at https:.* DEPTH_ZERO_SELF_SIGNED_CERT\n$/,
  });
});

t.test('the demo says that it sends no DPoP proofs, whatever kind of login the service allows', async (t) => {
  if (!(await requirePostgres(t))) return;
  const refused = {
    code: 1,
    stderr: /^DPOP is required, and the demo sends no DPoP proofs\. Set DPOP=optional/,
  };
  for (const LOGIN_BY_USER_ID of ['local', 'off']) {
    const { url, DATA_DIR, API_PORT } = await start(t, { DPOP: 'required', LOGIN_BY_USER_ID });
    const configured = { DATA_DIR, API_PORT, DPOP: 'required' };
    t.match(await kinship(['demo'], configured), { ...refused, stdout: '' }, 'it registers no account');
    t.match(await kinship(['demo', '--url', url], { DATA_DIR }), refused, LOGIN_BY_USER_ID);
  }
});

import { readFileSync } from 'node:fs';
import t from 'tap';
import { issueCertificate, OPENSSL } from '../support/certificate.ts';
import { serveMail } from '../support/mail-server.ts';
import { freePort } from '../support/ports.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { startService } from '../support/process.ts';
import { requirePrivateRedis, startPrivateRedis } from '../support/redis.ts';
import { dataDir } from '../support/service-in-process.ts';
import { skipFor } from '../support/skip.ts';

t.test(
  'NODE_EXTRA_CA_CERTS adds an internal authority, and the name of the host is still verified',
  async (t) => {
    if (!(await requirePostgres(t)) || !requirePrivateRedis(t)) return;
    const issued = issueCertificate('localhost', t.testdir());
    if (issued === null) return skipFor(t, OPENSSL);
    const { authority, key, certificate } = issued;

    const mail = await serveMail(t, {
      key: readFileSync(key),
      cert: readFileSync(certificate),
      authOptional: true,
      disableReverseLookup: true,
    });
    const tlsPort = await freePort();
    const files = ['--tls-cert-file', certificate, '--tls-key-file', key, '--tls-ca-cert-file', authority];
    await startPrivateRedis(t, ['--tls-port', String(tlsPort), '--tls-auth-clients', 'no', ...files]);
    const smtp = (SMTP_SERVER: string) => ({
      SMTP_SERVER,
      SMTP_PORT: String(mail.port),
      SMTP_FROM: 'a@example.com',
    });
    const redis = (host: string) => ({ REDIS_URL: `rediss://${host}:${tlsPort}` });
    const common = { API_PORT: '0', DATA_DIR: await dataDir(t), DATABASE_URL: await testDatabase(t) };
    const start = (env: Record<string, string>) => startService(t, { env: { ...common, ...env } });

    const trusting = { NODE_EXTRA_CA_CERTS: authority };
    const service = await start({ ...trusting, ...smtp('localhost'), ...redis('localhost') });
    t.notMatch(service.logs().join('\n'), /Redis is unreachable/);
    t.ok(mail.connections() > 0);
    t.equal(await service.stop(), 0);

    const notTrusted =
      /"msg":"the service did not start: [^"]*(not to be trusted|failed): [^"]*(self.signed|unable to (verify|get local issuer))/;
    await t.rejects(start(smtp('localhost')), notTrusted);
    await t.rejects(
      start({ ...trusting, ...smtp('127.0.0.1') }),
      /"msg":"the service did not start: TLS with the mail server 127\.0\.0\.1:\d+ failed: [^"\n]*IP: 127\.0\.0\.1/,
    );
    await t.rejects(
      start({ ...trusting, ...redis('127.0.0.1') }),
      /"msg":"the service did not start: Redis at 127\.0\.0\.1:\d+\/0 cannot be used: [^"\n]*IP: 127\.0\.0\.1/,
    );
  },
);

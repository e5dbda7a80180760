import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { createWebhookSender } from '../../src/adapters/webhooks/webhook-sender.ts';
import {
  createSelfSigned,
  expireCertificate,
  type IssuedCertificate,
  issueCertificate,
} from '../support/certificate.ts';
import { nameServer } from '../support/name-server.ts';
import { skipFor } from '../support/skip.ts';

const NAME = 'hooks.example';
const CONTENT = { headers: { 'content-type': 'text/plain' }, body: 'an event' };

/** Sends a request to `host`, whose server has this certificate. `received` counts the requests that arrived. */
async function exchange(t: Test, host: string, pem: { key: string; cert: string }, authorities?: string) {
  let received = 0;
  const server = createServer(pem, (_request, response) => {
    received += 1;
    response.writeHead(204).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  // The first address of the name accepts no connection.
  const names = await nameServer(t, (name) => (name === NAME ? '127.0.0.2 127.0.0.1' : '127.0.0.1'));
  const sender = createWebhookSender({
    allowedNetworks: ['127.0.0.0/8'],
    nameServers: [names.address],
    ...(authorities !== undefined && { authorities }),
  });
  const answer = sender.send({ url: `https://${host}:${port}/in`, ...CONTENT });
  return { answer, received: () => received };
}

async function pemOf({ key, certificate }: IssuedCertificate) {
  return { key: await readFile(key, 'utf8'), cert: await readFile(certificate, 'utf8') };
}

t.test(
  'a request is sent only if the certificate of the endpoint is trusted, valid and for its name',
  async (t) => {
    const issued = issueCertificate(NAME, t.testdir());
    const selfSigned = createSelfSigned();
    if (issued === null || selfSigned === null) return skipFor(t, 'OpenSSL');
    const authority = await readFile(issued.authority, 'utf8');

    await t.test('a valid certificate is accepted', async (t) => {
      const { answer, received } = await exchange(t, NAME, await pemOf(issued), authority);
      t.match(await answer, { status: 204 });
      t.equal(received(), 1);
    });

    await t.test('a certificate for another name is refused', async (t) => {
      const { answer, received } = await exchange(t, 'other.example', await pemOf(issued), authority);
      await t.rejects(answer, { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
      t.equal(received(), 0);
    });

    await t.test('a certificate of an unknown authority is refused', async (t) => {
      const { answer, received } = await exchange(t, NAME, await pemOf(issued));
      await t.rejects(answer, { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
      t.equal(received(), 0);
    });

    await t.test('a self-signed certificate is refused', async (t) => {
      const pem = { key: selfSigned, cert: selfSigned };
      const { answer, received } = await exchange(t, '127.0.0.1', pem, authority);
      await t.rejects(answer, { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
      t.equal(received(), 0);
    });

    await t.test('an expired certificate is refused', async (t) => {
      t.ok(expireCertificate(issued, NAME));
      const { answer, received } = await exchange(t, NAME, await pemOf(issued), authority);
      await t.rejects(answer, { code: 'CERT_HAS_EXPIRED' });
      t.equal(received(), 0);
    });
  },
);

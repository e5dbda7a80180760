import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import type { Test } from 'tap';

export const OPENSSL = 'openssl';

/** A new self-signed certificate for 127.0.0.1 and its key, in one PEM text; null if OpenSSL fails. */
export function createSelfSigned(): string | null {
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const name = ['-subj', '/CN=kinship.test', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const files = ['-keyout', '-', '-out', '-'];
  const { status, stdout } = spawnSync(OPENSSL, ['req', '-x509', ...kind, ...name, ...files]);
  return status === 0 ? String(stdout) : null;
}

/** Paths of PEM files: an authority, and a certificate that it issued for one name, with its key. */
export interface Issued {
  readonly authority: string;
  readonly key: string;
  readonly certificate: string;
}

/** Creates an authority and a certificate that it issued for `name`, in `folder`. Null if OpenSSL fails. */
export function issueCertificate(name: string, folder: string): Issued | null {
  const file = (path: string) => join(folder, path);
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const request = (...args: string[]) => spawnSync(OPENSSL, ['req', '-x509', ...kind, ...args]).status === 0;
  const authority = ['-keyout', file('ca.key'), '-out', file('ca.pem'), '-subj', '/CN=Private authority'];
  const issuer = [
    '-CA',
    file('ca.pem'),
    '-CAkey',
    file('ca.key'),
    '-addext',
    'basicConstraints=critical,CA:FALSE',
  ];
  const names = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  const server = ['-keyout', file('server.key'), '-out', file('server.pem'), ...names, ...issuer];
  if (!request(...authority) || !request(...server)) return null;
  return { authority: file('ca.pem'), key: file('server.key'), certificate: file('server.pem') };
}

/**
 * A TLS server on 127.0.0.1 with a certificate that is not trusted. `heard` counts the chunks of data that it
 * received.
 */
export async function untrustedServer(t: Pick<Test, 'teardown'>, pem: string) {
  let heard = 0;
  const server = createServer({ key: pem, cert: pem }, (socket) => {
    socket.on('data', () => {
      heard += 1;
    });
  });
  server.on('tlsClientError', () => {});
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { port, heard: () => heard };
}

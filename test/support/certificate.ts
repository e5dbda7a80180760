import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
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
export interface IssuedCertificate {
  readonly authority: string;
  readonly key: string;
  readonly certificate: string;
}

/** Creates an authority and a certificate that it issued for `name`, in `folder`. Null if OpenSSL fails. */
export function issueCertificate(name: string, folder: string): IssuedCertificate | null {
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
 * Replaces the certificate of `issued` by one for the same name and key that expired years ago. False if OpenSSL fails.
 */
export function expireCertificate({ certificate, key, authority }: IssuedCertificate, name: string): boolean {
  const folder = dirname(certificate);
  const openssl = (...args: string[]) => spawnSync(OPENSSL, args, { cwd: folder }).status === 0;
  writeFileSync(join(folder, 'index.txt'), '');
  writeFileSync(join(folder, 'ca.conf'), CA_CONFIGURATION);
  const names = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  const validity = ['-startdate', '20200101000000Z', '-enddate', '20200201000000Z'];
  const signer = [
    '-cert',
    authority,
    '-keyfile',
    join(folder, 'ca.key'),
    '-create_serial',
    '-outdir',
    folder,
  ];
  return (
    openssl('req', '-new', '-key', key, ...names, '-out', 'server.csr') &&
    openssl(
      'ca',
      '-batch',
      '-notext',
      '-config',
      'ca.conf',
      '-in',
      'server.csr',
      '-out',
      certificate,
      ...signer,
      ...validity,
    )
  );
}

const CA_CONFIGURATION = `
[ca]
default_ca = private
[private]
database = index.txt
serial = serial
default_md = sha256
copy_extensions = copy
policy = any
[any]
commonName = supplied
`;

/**
 * A TLS server on 127.0.0.1 with a certificate that is not trusted. `receivedChunks` counts the chunks of data that
 * it received.
 */
export async function untrustedServer(t: Pick<Test, 'teardown'>, pem: string) {
  let chunks = 0;
  const server = createServer({ key: pem, cert: pem }, (socket) => {
    socket.on('data', () => {
      chunks += 1;
    });
  });
  server.on('tlsClientError', () => {});
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { port, receivedChunks: () => chunks };
}

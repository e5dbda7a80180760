import { spawnSync } from 'node:child_process';

export const OPENSSL = 'openssl';

/** Key and certificate of our own making for 127.0.0.1, in one text; null where that cannot be made. */
export function selfSigned(): string | null {
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const name = ['-subj', '/CN=kinship.test', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const files = ['-keyout', '-', '-out', '-'];
  const { status, stdout } = spawnSync(OPENSSL, ['req', '-x509', ...kind, ...name, ...files]);
  return status === 0 ? String(stdout) : null;
}

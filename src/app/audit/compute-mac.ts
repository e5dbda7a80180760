import type { SealMacs, SealSubject } from '../../ports/security/seal-macs.ts';

/** A MAC under a key that is configured. */
export function computeMac(
  macs: SealMacs,
  keyId: string,
  subject: SealSubject,
  parts: readonly string[],
): string {
  const mac = macs.mac(keyId, subject, parts);
  if (mac === null) throw new Error(`There is no key ${keyId}.`);
  return mac;
}

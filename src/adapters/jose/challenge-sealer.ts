import { createHash, randomBytes } from 'node:crypto';
import type { Challenge } from '../../domain/challenge.ts';
import type { ChallengeSealer } from '../../ports/security/login-challenges.ts';
import type { NamedKey } from '../../ports/security/named-key.ts';
import { createSealer } from './sealer.ts';

/** Seals challenges under keys that are derived from the hash keys for this purpose only. */
export function createChallengeSealer(hashKeys: readonly NamedKey[]): ChallengeSealer {
  const sealer = createSealer(hashKeys, 'kinship login challenge');

  return {
    newNonce: () => randomBytes(32).toString('base64url'),

    seal: (challenge) => sealer.seal(JSON.stringify(challenge)),

    async open<Purpose extends Challenge['purpose']>(text: string, purpose: Purpose) {
      const opened = await sealer.open(text).catch(() => null);
      const challenge = opened && (JSON.parse(opened.text) as Challenge);
      return challenge?.purpose === purpose ? (challenge as Extract<Challenge, { purpose: Purpose }>) : null;
    },

    hashNonce: (nonce) => createHash('sha256').update('login challenge\0').update(nonce).digest('base64url'),
  };
}

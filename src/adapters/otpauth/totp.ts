import { Secret, TOTP } from 'otpauth';
import type { Totp } from '../../ports/security/totp.ts';

/** Bytes. The length that RFC 4226 section 4 recommends. */
const SECRET_SIZE = 20;
/** Seconds. */
const PERIOD = 30;

/** SHA-1 is the only algorithm that every authenticator app supports. HMAC does not need collision resistance. */
const SETTINGS = { algorithm: 'SHA1', digits: 6, period: PERIOD } as const;

/** @param issuer the name of the service in authenticator apps */
export function createTotp(issuer: string): Totp {
  return {
    newSecret: () => new Secret({ size: SECRET_SIZE }).base32,

    uriOf: (secret, account) => new TOTP({ ...SETTINGS, issuer, label: account, secret }).toString(),

    stepOf(secret, code, now) {
      const delta = new TOTP({ ...SETTINGS, secret }).validate({ token: code, timestamp: now, window: 1 });
      return delta === null ? null : Math.floor(now / 1000 / PERIOD) + delta;
    },
  };
}

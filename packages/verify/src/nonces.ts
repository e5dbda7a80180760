import { base64url, type CryptoKey } from 'jose';

/** Makes and checks nonces for proofs (RFC 9449 section 9). A proof with a valid nonce is at most ten minutes old. */
export interface DpopNonces {
  /** The nonce for the next proofs, the same for all clients. RFC 9449 section 8.1 lists the allowed characters. */
  current(): string | Promise<string>;
  /** Whether a nonce was given to clients within the last minutes. */
  isValid(nonce: string): boolean | Promise<boolean>;
}

/** Milliseconds. A nonce is given to clients for one period, and is valid for this period and the next one. */
const PERIOD = 5 * 60_000;
/** Milliseconds by which the clock of another process may be ahead. */
const LEEWAY = 5_000;
/** The minimum number of characters of a secret. */
const MIN_SECRET = 32;

/**
 * Creates nonces that need no storage: each is the number of a period and its MAC. Processes with the same secrets
 * accept each other's nonces. The first secret makes nonces. The others only check them, during a change of the secret.
 */
export function createNonces(secrets: readonly string[]): DpopNonces {
  const [newest, ...older] = secrets.map(createMac);
  if (newest === undefined || secrets.some(({ length }) => length < MIN_SECRET))
    throw new TypeError(`dpop.nonce needs a secret of ${MIN_SECRET} characters at least.`);
  let made = { period: Number.NaN, nonce: Promise.resolve('') };

  return {
    current() {
      const period = periodOf(Date.now());
      if (made.period !== period) made = { period, nonce: newest.make(String(period)) };
      return made.nonce;
    },

    async isValid(nonce) {
      const [period = '', mac = ''] = nonce.split('.');
      if (!isRecent(Number(period)) || nonce !== `${period}.${mac}`) return false;
      const checks = await Promise.all([newest, ...older].map(({ verify }) => verify(period, mac)));
      return checks.includes(true);
    },
  };
}

function createMac(secret: string) {
  const hmac = { name: 'HMAC', hash: 'SHA-256' };
  const encode = (text: string) => new TextEncoder().encode(text);
  // Imported at the first use: the factory must not leave a rejected promise behind.
  let imported: Promise<CryptoKey> | undefined;
  const key = () => {
    imported ??= crypto.subtle.importKey('raw', encode(secret), hmac, false, ['sign', 'verify']);
    return imported;
  };
  const subject = (period: string) => encode(`kinship dpop nonce ${period}`);

  return {
    async make(period: string): Promise<string> {
      const mac = await crypto.subtle.sign('HMAC', await key(), subject(period));
      return `${period}.${base64url.encode(new Uint8Array(mac))}`;
    },

    async verify(period: string, mac: string): Promise<boolean> {
      if (!/^[\w-]{43}$/.test(mac)) return false;
      return crypto.subtle.verify(
        'HMAC',
        await key(),
        new Uint8Array(base64url.decode(mac)),
        subject(period),
      );
    },
  };
}

function periodOf(time: number): number {
  return Math.floor(time / PERIOD);
}

function isRecent(period: number): boolean {
  const now = Date.now();
  return [periodOf(now), periodOf(now) - 1, periodOf(now + LEEWAY)].includes(period);
}

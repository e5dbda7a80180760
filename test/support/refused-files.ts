import { join } from 'node:path';
import type { Test } from 'tap';
import { makeKeyPair } from './forge.ts';

/**
 * Environment variables that name files. The service refuses these files at its start: the key is for another
 * algorithm, and the webhook has a URL without TLS.
 */
export function refusedFiles(t: Pick<Test, 'testdir'>) {
  const folder = t.testdir({
    'keys.json': JSON.stringify({ keys: [makeKeyPair('ed25519').privateKey.export({ format: 'jwk' })] }),
    'hooks.json': JSON.stringify([{ url: 'http://hooks.example.com', types: ['*'], secretFile: 'secret' }]),
    secret: `whsec_${Buffer.alloc(32).toString('base64')}`,
  });
  return {
    folder,
    keys: { ACCESS_TOKEN_ALG: 'ES256', KEY_SET_FILE: join(folder, 'keys.json') },
    webhooks: { WEBHOOKS_FILE: join(folder, 'hooks.json') },
  };
}

import { createInterface } from 'node:readline';
import { createRemoteJWKSet, jwtVerify } from 'jose';

/**
 * A resource server in its own process. Its arguments are URLs of key sets, which it caches as jose does by
 * default. It reads a token from each line of standard input, and writes whether every key set verifies it.
 */
const keySets = process.argv.slice(2).map((url) => createRemoteJWKSet(new URL(url)));

createInterface({ input: process.stdin }).on('line', async (token) => {
  const options = { issuer: 'kinship', audience: 'kinship', typ: 'at+jwt' };
  const faults = await Promise.all(
    keySets.map((keys) =>
      jwtVerify(token, keys, options).then(
        () => null,
        (error) => String(error),
      ),
    ),
  );
  process.stdout.write(
    `${JSON.stringify({ token, fault: faults.find((fault) => fault !== null) ?? null })}\n`,
  );
});

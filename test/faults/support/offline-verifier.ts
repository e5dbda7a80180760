import { createInterface } from 'node:readline';
import { createRemoteJWKSet, jwtVerify } from 'jose';

/**
 * Somebody else's service, as a process of its own: it knows the addresses of key sets (its arguments), keeps what
 * it fetched as its library does by default, and says of each token that it is given on a line whether it is good.
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

/** A resource server that is measured: `/open` checks nothing, `/me` verifies the access token and its proof. */
import type { AddressInfo } from 'node:net';
import fastify from 'fastify';
import { kinship } from '../../packages/fastify/src/index.ts';
import { createVerifier } from '../../packages/verify/src/index.ts';

const [, , keys = ''] = process.argv;
const verifier = createVerifier({
  issuer: 'kinship',
  audience: 'kinship',
  url: 'http://localhost',
  fetch: async () => new Response(keys, { headers: { 'cache-control': 'max-age=3600' } }),
});
const app = fastify();
await app.register(kinship, { verifier });
app.get('/open', async () => ({ id: 'anyone' }));
app.get('/me', { onRequest: app.requireSession() }, async ({ session }) => ({ id: session.userId }));
await app.listen({ host: '127.0.0.1', port: 0 });
const { port } = app.server.address() as AddressInfo;
process.on('message', () => process.send?.(process.cpuUsage()));
process.on('disconnect', () => void app.close());
process.send?.(`http://127.0.0.1:${port}`);

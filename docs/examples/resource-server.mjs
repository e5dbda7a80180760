// A resource server for Kinship's access tokens: verifies each token offline, and introspects it before a change.
import { createServer } from 'node:http';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const { ISSUER, AUDIENCE = 'kinship', CLIENT_ID, CLIENT_SECRET, PORT = '0' } = process.env;
const server = await (await fetch(`${ISSUER}/.well-known/oauth-authorization-server`)).json();
const keys = createRemoteJWKSet(new URL(server.jwks_uri), { cooldownDuration: 5_000 });

async function verify(token) {
  const wanted = { issuer: server.issuer, audience: AUDIENCE, typ: 'at+jwt' };
  return (await jwtVerify(token, keys, wanted)).payload;
}

async function isActive(token) {
  const headers = {
    authorization: `Basic ${btoa([CLIENT_ID, CLIENT_SECRET].map(encodeURIComponent).join(':'))}`,
  };
  const body = new URLSearchParams({ token });
  const response = await fetch(server.introspection_endpoint, { method: 'POST', headers, body });
  return response.ok && (await response.json()).active;
}

createServer(async ({ method, headers }, response) => {
  try {
    const [, token = ''] = (headers.authorization ?? '').split(' ');
    const { sub } = await verify(token);
    if (method !== 'GET' && !(await isActive(token))) throw new Error('The session has ended.');
    response.end(sub);
  } catch {
    response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end();
  }
}).listen(PORT, '127.0.0.1', function ready() {
  console.log(`http://127.0.0.1:${this.address().port}`);
});

/** oidc-provider, configured as its documentation says: own adapter, own keys, and rotation. */
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import Provider from 'oidc-provider';
import pg from 'pg';
import { adapterOver, TABLE } from './adapter.mjs';

// Without `openid`, because no other contestant signs an ID token at each refresh.
const SCOPE = 'offline_access tasks';
const ACCESS_SECONDS = 900;
const REFRESH_SECONDS = 30 * 24 * 3600;

const clientId = 'bench';
const clientSecret = randomBytes(32).toString('base64url');
const idTokenKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 8 });
await pool.query(TABLE);

const provider = new Provider('https://oidc.test', {
  adapter: adapterOver(pool),
  jwks: { keys: [{ ...idTokenKey, use: 'sig', alg: 'RS256', kid: 'id' }] },
  cookies: { keys: [randomBytes(32).toString('base64url')] },
  // The client is configured here instead of in the database, so that requests need no look-up.
  clients: [
    {
      client_id: clientId,
      client_secret: clientSecret,
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: ['https://app.test/callback'],
    },
  ],
  findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  scopes: ['openid', 'offline_access', 'tasks'],
  features: { devInteractions: { enabled: false } },
  rotateRefreshToken: true,
  // Access tokens are opaque, which is the default. JWTs would save a row but need a signature; a measurement showed no
  // gain.
  ttl: { AccessToken: ACCESS_SECONDS, Grant: REFRESH_SECONDS, RefreshToken: REFRESH_SECONDS },
});

/** Creates the refresh token that login and consent in a browser would create. */
async function grantTo(accountId) {
  const grant = new provider.Grant({ accountId, clientId });
  grant.addOIDCScope(SCOPE);
  const token = new provider.RefreshToken({
    accountId,
    client: await provider.Client.find(clientId),
    grantId: await grant.save(),
    gty: 'authorization_code',
    scope: SCOPE,
  });
  return token.save();
}

provider.use(async (ctx, next) => {
  if (ctx.path !== '/begin') return next();
  ctx.body = { refreshToken: await grantTo(randomUUID()) };
});

const server = provider.listen(0, '127.0.0.1', () => {
  const url = `http://127.0.0.1:${server.address().port}`;
  process.stdout.write(`${JSON.stringify({ url, clientId, clientSecret })}\n`);
});

process.once('SIGTERM', () => {
  server.close(() => pool.end());
  server.closeAllConnections();
});

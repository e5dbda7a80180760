/**
 * better-auth with its OAuth provider, configured as its documentation says. It caches everything that it can cache.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { oauthProvider } from '@better-auth/oauth-provider';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { toNodeHandler } from 'better-auth/node';
import { jwt } from 'better-auth/plugins';
import pg from 'pg';

const REFRESH_SECONDS = 30 * 24 * 3600;
// Without `openid`, because no other contestant signs an ID token at each refresh.
const SCOPES = ['profile', 'offline_access'];

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 8 });
const clientId = 'bench';
const clientSecret = randomBytes(32).toString('base64url');

const options = {
  baseURL: 'http://127.0.0.1',
  trustedOrigins: ['https://app.test'],
  secret: randomBytes(32).toString('base64url'),
  database: pool,
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  plugins: [
    jwt(),
    oauthProvider({
      loginPage: '/login',
      consentPage: '/consent',
      accessTokenExpiresIn: 900,
      refreshTokenExpiresIn: REFRESH_SECONDS,
      cachedTrustedClients: new Set([clientId]),
      silenceWarnings: { oauthAuthServerConfig: true, openidConfig: true },
    }),
  ],
};

await (await getMigrations(options)).runMigrations();
const auth = betterAuth(options);
const { adapter, internalAdapter } = await auth.$context;

// The plugin stores secrets and tokens as this hash.
const hashed = (text) => createHash('sha256').update(text).digest('base64url');

// The client is inserted as a row, because the API registers clients only for a logged-in user.
await adapter.create({
  model: 'oauthClient',
  data: {
    clientId,
    clientSecret: hashed(clientSecret),
    redirectUris: ['https://app.test/callback'],
    tokenEndpointAuthMethod: 'client_secret_basic',
    grantTypes: ['authorization_code', 'refresh_token'],
    scopes: SCOPES,
  },
});

/**
 * Creates the refresh token that login and consent in a browser would create. Each token gets its own user, because
 * reuse of a token ends all sessions of that user with the client.
 */
async function grantToNewUser() {
  const id = randomUUID();
  const user = await internalAdapter.createUser({ name: id, email: `${id}@app.test`, emailVerified: true });
  const session = await internalAdapter.createSession(user.id);
  const refreshToken = randomBytes(24).toString('base64url');
  await adapter.create({
    model: 'oauthRefreshToken',
    data: {
      token: hashed(refreshToken),
      clientId,
      sessionId: session.id,
      userId: user.id,
      scopes: SCOPES,
      createdAt: new Date(),
      expiresAt: new Date(Date.now() + REFRESH_SECONDS * 1000),
    },
  });
  return refreshToken;
}

async function begin(response) {
  const body = JSON.stringify({ refreshToken: await grantToNewUser() });
  response.writeHead(200, { 'content-type': 'application/json' }).end(body);
}

const handle = toNodeHandler(auth);
const server = createServer((request, response) =>
  request.url === '/begin' ? begin(response) : handle(request, response),
);

server.listen(0, '127.0.0.1', () => {
  const url = `http://127.0.0.1:${server.address().port}`;
  process.stdout.write(`${JSON.stringify({ url, clientId, clientSecret })}\n`);
});

process.once('SIGTERM', () => {
  server.close(() => pool.end());
  server.closeAllConnections();
});

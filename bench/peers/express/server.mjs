/**
 * A server as a careful team writes it by hand, with Express, jsonwebtoken and pg. One row per session holds the hash
 * of the current refresh token. That is cheaper than a row per token, and a rotation cannot insert a token after the
 * session was revoked.
 */
import { createHash, createSecretKey, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import argon2 from 'argon2';
import express from 'express';
import jwt from 'jsonwebtoken';
import pg from 'pg';

const ISSUER = 'https://express.test';
const ACCESS_SECONDS = 900;
const REFRESH_SECONDS = 30 * 24 * 3600;
const PASSWORD_COST = { type: argon2.argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 };

// Keys are objects, because jsonwebtoken creates an object from a string for each token.
const accessKey = createSecretKey(randomBytes(64));
const refreshKey = createSecretKey(randomBytes(64));
const serviceKey = randomBytes(32).toString('base64url');

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 8 });

// No column that a rotation changes is indexed, and pages keep room: every rotation is a HOT update.
await pool.query(`
  create table sessions (
    family uuid primary key,
    user_id uuid not null,
    hash bytea not null,
    revoked boolean not null default false,
    expires_at timestamptz not null
  ) with (fillfactor = 70);
  create table users (
    id uuid primary key,
    username text not null unique,
    password_hash text not null
  )`);

// A statement with a name is prepared only once on each connection.
const statement = (name, text) => (values) => pool.query({ name, text, values });

const openSession = statement(
  'open_session',
  'insert into sessions (family, user_id, hash, expires_at) values ($1, $2, $3, to_timestamp($4))',
);
// If two requests present one token, the second waits for the lock of the row, and then finds another hash.
const rotate = statement(
  'rotate',
  `update sessions set hash = $3, expires_at = to_timestamp($4)
   where family = $1 and hash = $2 and not revoked returning user_id`,
);
const revoke = statement('revoke', 'update sessions set revoked = true where family = $1 and not revoked');
const addUser = statement(
  'add_user',
  'insert into users (id, username, password_hash) values ($1, $2, $3) on conflict do nothing',
);
const findUser = statement('find_user', 'select id, password_hash from users where username = $1');

const sha256 = (text) => createHash('sha256').update(text).digest();
const now = () => Math.floor(Date.now() / 1000);

const sign = (claims, key) => jwt.sign({ iss: ISSUER, ...claims }, key, { algorithm: 'HS512' });

function verify(token, key) {
  try {
    return jwt.verify(token, key, { algorithms: ['HS512'], issuer: ISSUER });
  } catch {
    return undefined;
  }
}

/** A new pair, with the hash and the expiry that its session's row stores. */
function mintPair(family, userId) {
  const iat = now();
  const exp = iat + REFRESH_SECONDS;
  const jti = randomUUID();
  const access = { sub: userId, sid: family, jti: randomUUID(), iat, exp: iat + ACCESS_SECONDS };
  const pair = {
    access: sign(access, accessKey),
    refresh: sign({ sub: userId, sid: family, jti, iat, exp }, refreshKey),
    expiresIn: ACCESS_SECONDS,
  };
  return { pair, hash: sha256(jti), exp };
}

async function logIn(userId) {
  const family = randomUUID();
  const { pair, hash, exp } = mintPair(family, userId);
  await openSession([family, userId, hash, exp]);
  return pair;
}

const refuse = (response, error) => response.status(401).json({ error });
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const serviceKeyHash = sha256(serviceKey);
const isTrusted = (request) => timingSafeEqual(sha256(request.get('x-api-key') ?? ''), serviceKeyHash);

function authenticate(request, response, next) {
  const [, token] = /^Bearer (\S+)$/i.exec(request.get('authorization') ?? '') ?? [];
  request.principal = token && verify(token, accessKey);
  return request.principal ? next() : refuse(response, 'invalid_token');
}

const isCredentials = (body) => typeof body?.username === 'string' && typeof body.password === 'string';
// The hash that is verified for an unknown user, so that the response time does not reveal whether the user exists.
const unknownUser = { password_hash: await argon2.hash(randomUUID(), PASSWORD_COST) };

const app = express();
app.disable('x-powered-by');
app.disable('etag');
app.use(express.json());

app.post('/refresh', async (request, response) => {
  const claims = verify(request.body?.refreshToken, refreshKey);
  if (!claims) return refuse(response, 'invalid_token');
  const { pair, hash, exp } = mintPair(claims.sid, claims.sub);
  const { rowCount } = await rotate([claims.sid, sha256(claims.jti), hash, exp]);
  if (rowCount === 1) return response.json(pair);
  // The token is genuine but not current: it was used before, so another party has a copy.
  await revoke([claims.sid]);
  return refuse(response, 'token_reused');
});

app.post('/sessions', async (request, response) => {
  if (!isTrusted(request)) return refuse(response, 'untrusted');
  const { userId } = request.body ?? {};
  if (!UUID.test(userId)) return response.status(400).json({ error: 'invalid_user_id' });
  return response.json(await logIn(userId));
});

app.post('/users', async (request, response) => {
  if (!isCredentials(request.body)) return response.status(400).json({ error: 'invalid_credentials' });
  const { username, password } = request.body;
  const id = randomUUID();
  const { rowCount } = await addUser([id, username, await argon2.hash(password, PASSWORD_COST)]);
  return rowCount === 1 ? response.status(201).json({ id }) : response.status(409).json({ error: 'taken' });
});

app.post('/login', async (request, response) => {
  if (!isCredentials(request.body)) return refuse(response, 'invalid_credentials');
  const { rows } = await findUser([request.body.username]);
  const user = rows[0] ?? unknownUser;
  const matches = await argon2.verify(user.password_hash, request.body.password);
  if (!matches || !user.id) return refuse(response, 'invalid_credentials');
  return response.json(await logIn(user.id));
});

app.get('/me', authenticate, (request, response) => {
  response.json({ id: request.principal.sub });
});

const server = app.listen(0, '127.0.0.1', () => {
  const url = `http://127.0.0.1:${server.address().port}`;
  process.stdout.write(`${JSON.stringify({ url, serviceKey })}\n`);
});

process.once('SIGTERM', () => {
  server.close(() => pool.end());
  server.closeAllConnections();
});

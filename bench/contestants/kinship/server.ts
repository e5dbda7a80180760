import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import { type Contestant, startProcess } from '../process.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

interface KinshipOptions {
  /** The size of V8's semi-spaces in MB. */
  readonly semiSpace?: number;
  /** By how many percent V8's heap may grow until the next collection; 0: V8 decides. */
  readonly growth?: number;
  /** Values that replace the environment below. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The built service as production runs it: with logs, metrics and limits, but without mails. */
export async function startKinship(
  databaseUrl: string,
  { semiSpace = 4, growth = 100, env = {} }: KinshipOptions = {},
): Promise<Contestant> {
  const secrets = parseEnv(
    execFileSync(process.execPath, [`${ROOT}dist/main.js`, 'secrets'], { encoding: 'utf8' }),
  );
  const keys = secrets.SERVICE_API_KEYS?.split(',').map((key) => key.split(':')) ?? [];
  const serviceKey = keys.find(([, scopes]) => scopes === 'login')?.[2] ?? '';
  const flags = [`--max-semi-space-size=${semiSpace}`, `--heap-growing-percent=${growth}`];
  const contestant = await startProcess([...flags, `${ROOT}dist/main.js`], {
    ...(secrets as Record<string, string>),
    NODE_ENV: 'production',
    PUBLIC_URL: 'https://auth.example.com',
    API_PORT: '0',
    DATABASE_URL: databaseUrl,
    MAIL: 'off',
    // The load generator is the proxy. The limits are raised, because few simulated users send many requests.
    TRUST_PROXY: '127.0.0.1',
    REGISTER_LIMIT: '99999/1h',
    LOGIN_RATE_LIMIT: '99999/1m',
    LOGIN_RATE_NETWORK_LIMIT: '99999/1m',
    LOGIN_NETWORK_LIMIT: '99999/1h',
    LOGIN_ACCOUNT_LIMIT: '99999/1h',
    ...env,
  });
  return { ...contestant, target: { url: contestant.target.url, serviceKey } };
}

import { randomUUID } from 'node:crypto';
import { scenarios } from './contestants/kinship/client.ts';
import { openConnection } from './load/connection.ts';
import type { RequestSpec, Target } from './load/scenario.ts';
import { mean, welch } from './measure/statistics.ts';

/** What the response time of a refused login reveals about the existence of an account. */
export interface Timing {
  /** Mean milliseconds of a login with a wrong password, for an existing and for an unknown user. */
  readonly known: number;
  readonly unknown: number;
  /** Welch's t. Above 4.5 or below -4.5 the times reveal whether the user exists. */
  readonly t: number;
}

/**
 * Logs in one at a time in random order. Leaves out the slowest 5 % of each kind, which other load causes.
 */
export async function measureLoginTiming(target: Target, samples: number): Promise<Timing> {
  const known = await someUser(target);
  const connection = await openConnection(target.url);
  const times = { known: [] as number[], unknown: [] as number[] };
  while (Math.min(times.known.length, times.unknown.length) < samples) {
    const kind = Math.random() < 0.5 ? 'known' : 'unknown';
    const username = kind === 'known' ? known : `u${randomUUID()}`;
    const started = performance.now();
    const { status, body } = await connection.ask(wrongPassword(username));
    times[kind].push(performance.now() - started);
    if (status !== 401) throw new Error(`a wrong password was answered ${status}: ${body}`);
  }
  connection.close();
  const [a, b] = [withoutSlowest(times.known), withoutSlowest(times.unknown)];
  return { known: mean(a), unknown: mean(b), t: welch(a, b) };
}

async function someUser(target: Target): Promise<string> {
  const { username } = await scenarios.password!.begin(target, 0);
  return username;
}

function wrongPassword(username: string): RequestSpec {
  const body = JSON.stringify({ username, password: 'not the password of anyone' });
  return { method: 'POST', path: '/auth/login', headers: { 'content-type': 'application/json' }, body };
}

function withoutSlowest(times: readonly number[]): readonly number[] {
  return times.toSorted((a, b) => a - b).slice(0, Math.ceil(times.length * 0.95));
}

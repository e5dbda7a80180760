import { randomUUID } from 'node:crypto';
import type { Answer, RequestSpec, Target } from '../load/scenario.ts';

export const KINDS = [
  'login',
  'register',
  'password',
  'refresh',
  'end',
  'theft',
  'refused',
  'forgot',
] as const;

export type Kind = (typeof KINDS)[number];

export interface Step {
  readonly kind: Kind;
  readonly request: RequestSpec;
  readonly expected: number;
}

interface Pair {
  readonly access: string;
  readonly refresh: string;
}

type Steps<Result> = Generator<Step, Result, Answer>;

const PASSWORD = 'a violet piano 42';
const REFRESHES = 12;
/** Of this many sessions, one begins with a registration and a password. The others begin with a user id. */
const PASSWORD_EVERY = 40;
/** One session in this number ends by a theft. */
const THEFT_EVERY = 4;

/** Yields the requests of one client, one session after another. Each request depends on the answers before it. */
export function* sessionSteps(target: Target, client: number): Steps<never> {
  const headers = { 'content-type': 'application/json', 'x-forwarded-for': `198.51.100.${client}` };
  const post = (kind: Kind, path: string, expected: number, body: object): Step => {
    return { kind, expected, request: { method: 'POST', path, headers, body: JSON.stringify(body) } };
  };

  for (let session = client; ; session += 1) {
    const email = `u${randomUUID()}@example.com`;
    let pair = session % PASSWORD_EVERY === 0 ? yield* logInByPassword(email) : yield* logInById(email);
    let previous = pair;
    for (let count = 0; count < REFRESHES; count += 1) {
      previous = pair;
      pair = pairOf(yield refresh('refresh', 200, pair));
    }
    if (session % THEFT_EVERY === 0) yield refresh('theft', 401, previous);
    else yield post('end', '/auth/logout', 204, { refreshToken: pair.refresh });
    yield refresh('refused', 401, pair);
    if (session % PASSWORD_EVERY === 0) yield post('forgot', '/auth/password/forgot', 202, { email });
  }

  function refresh(kind: Kind, expected: number, pair: Pair): Step {
    return post(kind, '/auth/refresh', expected, { refreshToken: pair.refresh, accessToken: pair.access });
  }

  function* logInById(email: string): Steps<Pair> {
    const query = new URLSearchParams({ userId: randomUUID(), email });
    const request: RequestSpec = {
      method: 'POST',
      path: `/auth/login?${query}`,
      headers: { 'x-api-key': target.serviceKey ?? '' },
    };
    return pairOf(yield { kind: 'login', request, expected: 200 });
  }

  function* logInByPassword(email: string): Steps<Pair> {
    const username = email.slice(0, email.indexOf('@'));
    yield post('register', '/auth/register', 201, { username, email, password: PASSWORD });
    return pairOf(yield post('password', '/auth/login', 200, { username, password: PASSWORD }));
  }
}

function pairOf({ body }: Answer): Pair {
  return JSON.parse(body);
}

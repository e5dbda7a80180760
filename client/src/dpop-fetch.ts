import type { DpopKey } from './dpop-key.js';
import { makeProof } from './dpop-proof.js';
import { parseJson } from './stored-pair.js';

type Fetch = typeof globalThis.fetch;

/** What the answers of a server showed about the proofs that it accepts. */
interface Peer {
  readonly nonce: string | undefined;
  /** Milliseconds by which the clock of the server is ahead of the clock of this device. */
  readonly ahead: number;
}

const UNKNOWN: Peer = { nonce: undefined, ahead: 0 };

interface ProofTarget {
  readonly method: string;
  readonly url: string;
  readonly token?: string;
}

/** Milliseconds. The `Date` of an answer has whole seconds, and the answer takes time. */
const CLOCK_ERROR = 30_000;

/** The error code of a refused proof, except where only the nonce is missing. */
const REFUSED = 'invalid_dpop_proof';

/**
 * A `fetch` for a client with bound tokens. It adds a proof of the key to logins, to exchanges of the pair, and to
 * requests with an access token. Requests of an unbound session stay as they are.
 */
export function createDpopFetch(send: Fetch, getKey: () => Promise<DpopKey>): Fetch {
  const peers = new Map<string, Peer>();

  return async (input, init) => {
    if (!(input instanceof Request)) return sendOwn(String(input), init ?? {});
    const token = input.headers.get('authorization')?.slice('Bearer '.length);
    if (!token || !thumbprintIn(token)) return send(input);
    return sendWithProof({ method: input.method, url: input.url, token }, (dpop) => {
      const request = input.clone();
      request.headers.set('authorization', `DPoP ${token}`);
      request.headers.set('dpop', dpop);
      return send(request);
    });
  };

  /** Sends a request of the client itself: a URL, and a JSON body with the refresh token if there is a session. */
  async function sendOwn(url: string, init: RequestInit): Promise<Response> {
    const { refreshToken } = Object(parseJson(String(init.body))) as { refreshToken?: string };
    const bound = refreshToken && thumbprintIn(refreshToken);
    const hasKey = !bound || bound === (await getKey()).jkt;
    // A token may be revoked without a proof of its key.
    if (!hasKey) return url.includes('/auth/logout') ? send(url, init) : createKeyLostAnswer();
    if (refreshToken && !bound) return send(url, init);
    return sendWithProof({ method: 'POST', url }, (dpop) =>
      send(url, { ...init, headers: { ...(init.headers as Record<string, string>), dpop } }),
    );
  }

  /** Sends a request with a proof. If the server asks for a nonce, or has another time, sends it once more. */
  async function sendWithProof(
    request: ProofTarget,
    sendWith: (dpop: string) => Promise<Response>,
  ): Promise<Response> {
    const { origin } = new URL(request.url);
    const peer = peers.get(origin) ?? UNKNOWN;
    const answer = await sendWith(await proofOf(request, peer));
    const next = updatePeer(origin, answer);
    // `peer` has the values of this proof. A parallel request may have stored newer values meanwhile.
    const challenge = challengeOf(answer);
    const isRemedied =
      (challenge.includes('use_dpop_nonce') && next.nonce !== peer.nonce) ||
      (challenge.includes(REFUSED) && Math.abs(next.ahead - peer.ahead) > CLOCK_ERROR);
    if (!isRemedied) return answer;
    await answer.body?.cancel();
    const repeated = await sendWith(await proofOf(request, next));
    updatePeer(origin, repeated);
    return repeated;
  }

  async function proofOf({ method, url, token }: ProofTarget, { nonce, ahead }: Peer): Promise<string> {
    return makeProof(await getKey(), { method, url, token, now: Date.now() + ahead, nonce });
  }

  /** Stores the nonce and the clock difference of an answer, and returns both. */
  function updatePeer(origin: string, answer: Response): Peer {
    const { nonce, ahead } = peers.get(origin) ?? UNKNOWN;
    const { headers } = answer;
    // Only the time of a refusal counts: a cache may repeat an old answer with its old time.
    const isRefused = challengeOf(answer).includes(REFUSED);
    const difference = isRefused ? Date.parse(headers.get('date') ?? '') - Date.now() : ahead;
    const isClockWrong = Math.abs(difference - ahead) > CLOCK_ERROR;
    const peer = { nonce: headers.get('dpop-nonce') ?? nonce, ahead: isClockWrong ? difference : ahead };
    peers.set(origin, peer);
    return peer;
  }
}

function challengeOf({ headers }: Response): string {
  return headers.get('www-authenticate') ?? '';
}

/** The thumbprint of the key to which a token is bound; undefined if it is not bound. */
function thumbprintIn(token: string): string | undefined {
  const [, payload = ''] = token.split('.');
  try {
    return Object(JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')))).cnf?.jkt;
  } catch {
    return undefined;
  }
}

/** Answers like the service after the end of a session: without its key the pair is worthless. */
function createKeyLostAnswer(): Response {
  const problem = {
    code: 'dpop_key_lost',
    detail: 'The key of the session is not on this device any more.',
    recovery: 'login',
  };
  return new Response(JSON.stringify(problem), { status: 401 });
}

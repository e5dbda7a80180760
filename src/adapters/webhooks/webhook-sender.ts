import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type TcpSocketConnectOpts } from 'node:net';
import { waitAtMost } from '../../lib/time.ts';
import {
  RefusedTarget,
  SenderClosed,
  type WebhookAnswer,
  type WebhookRequest,
  type WebhookSender,
} from '../../ports/delivery/webhook-sender.ts';
import { type AddressGuard, createAddressGuard } from './address-guard.ts';
import { resolveHost } from './resolve.ts';
import { PLAIN_REFUSED, readTarget, type Target } from './target.ts';

interface Options {
  /** Addresses and CIDRs that may be connected to although they are internal. */
  readonly allowedNetworks: readonly string[];
  /** Replaces the name servers of the system. */
  readonly nameServers?: readonly string[];
  /** Certificates in PEM that replace the authorities of Node.js. */
  readonly authorities?: string;
  readonly timeouts?: Partial<typeof TIMEOUTS>;
}

/** All in milliseconds. */
const TIMEOUTS = {
  /** For one request, from the resolution of the host name to the end of the answer. */
  request: 10_000,
  /** For the connection to one address, if the host has another one. */
  connection: 2_000,
  /** For pending requests, after `close` was called. */
  closing: 2_000,
};

/** Options of the socket that the types of `node:http` lack. */
type AddressSelection = Pick<TcpSocketConnectOpts, 'autoSelectFamily' | 'autoSelectFamilyAttemptTimeout'>;

/** Maximum bytes of an answer that are read. */
const MAX_ANSWER = 4_096;

/**
 * Creates a sender of webhooks. It resolves host names by itself, and connects only to addresses that the guard
 * accepts.
 */
export function createWebhookSender(options: Options): WebhookSender {
  const { allowedNetworks, nameServers = null, authorities } = options;
  const timeouts = { ...TIMEOUTS, ...options.timeouts };
  const guard = createAddressGuard(allowedNetworks);
  const pending = new Map<AbortController, Promise<unknown>>();
  const readUrl = (url: string) => readTarget(url, guard, allowedNetworks.length > 0);

  return {
    refusalOf(url) {
      const target = readUrl(url);
      return typeof target === 'string' ? target : null;
    },

    async send(request) {
      const target = readUrl(request.url);
      if (typeof target === 'string') throw new RefusedTarget(target);
      const controller = new AbortController();
      const sending = sendInTime(request, target, controller);
      pending.set(controller, sending);
      try {
        return await sending;
      } finally {
        pending.delete(controller);
      }
    },

    async close() {
      await waitAtMost(timeouts.closing, Promise.allSettled(pending.values()));
      const late = [...pending];
      for (const [controller] of late) controller.abort(new SenderClosed('The service stops.'));
      await Promise.allSettled(late.map(([, sending]) => sending));
    },
  };

  async function sendInTime(
    request: WebhookRequest,
    target: Target,
    controller: AbortController,
  ): Promise<WebhookAnswer> {
    const { signal } = controller;
    const timeout = new Error(`No answer within ${timeouts.request} ms.`);
    const timer = setTimeout(() => controller.abort(timeout), timeouts.request);
    try {
      const addresses = await findAddresses(target, signal);
      signal.throwIfAborted();
      return await exchange(request, target, addresses, signal);
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The addresses that may be connected to, at least one. */
  async function findAddresses({ host, isSecure }: Target, signal: AbortSignal): Promise<readonly string[]> {
    const addresses = isIP(host) === 0 ? await resolveHost(host, signal, nameServers) : [host];
    const checked = addresses.map((address) => ({ address, refusal: refusalOf(guard, address, isSecure) }));
    const accepted = checked.filter(({ refusal }) => refusal === null);
    if (accepted.length === 0) throw new RefusedTarget(checked[0]?.refusal ?? 'it has no address');
    return accepted.map(({ address }) => address);
  }

  /**
   * Sends the request to the first of the addresses that accepts a connection. The name is only for TLS and `Host`, and
   * is not resolved again.
   */
  function exchange(
    { headers, body }: WebhookRequest,
    { url, host, isSecure, port }: Target,
    addresses: readonly string[],
    signal: AbortSignal,
  ): Promise<WebhookAnswer> {
    const request: RequestOptions & AddressSelection = {
      method: 'POST',
      host,
      port,
      lookup: (_host, _options, answer) =>
        answer(
          null,
          addresses.map((address) => ({ address, family: isIP(address) })),
        ),
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: timeouts.connection,
      path: `${url.pathname}${url.search}`,
      headers: {
        host: url.host,
        'user-agent': 'kinship',
        ...headers,
        'content-length': Buffer.byteLength(body),
      },
      agent: false,
      signal,
    };
    const secure = {
      ...request,
      ...(isIP(host) === 0 && { servername: host }),
      ...(authorities !== undefined && { ca: authorities }),
    };
    return new Promise((resolve, reject) => {
      const onAnswer = (answer: IncomingMessage) => resolve(readAnswer(answer));
      const sent = isSecure ? httpsRequest(secure, onAnswer) : httpRequest(request, onAnswer);
      // Without these listeners the promise would never settle after an answer that switches the protocol.
      sent.on('upgrade', ({ statusCode = 0 }, socket) => {
        socket.destroy();
        resolve({ status: statusCode, retryAfter: null, text: '' });
      });
      sent.on('close', () => reject(new Error('The connection closed without an answer.')));
      sent.on('error', reject).end(body);
    });
  }
}

function refusalOf(guard: AddressGuard, address: string, isSecure: boolean): string | null {
  return guard.refusalOf(address) ?? (isSecure || guard.isAllowedPrivate(address) ? null : PLAIN_REFUSED);
}

/** Only the status decides about the delivery. A body that is truncated or slow does not change the status. */
async function readAnswer(answer: IncomingMessage): Promise<WebhookAnswer> {
  const { statusCode = 0, headers } = answer;
  return {
    status: statusCode,
    retryAfter: headers['retry-after'] ?? null,
    text: (await readStart(answer)).toString('utf8'),
  };
}

/** Reads the first `MAX_ANSWER` bytes. Leaving the loop closes the connection. */
async function readStart(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of answer) {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= MAX_ANSWER) break;
    }
  } catch {
    // The connection ended within the body, or the request timed out.
  }
  return Buffer.concat(chunks).subarray(0, MAX_ANSWER);
}

import proxyAddr from '@fastify/proxy-addr';
import type { FastifyInstance } from 'fastify';
import { forwardedIpAddress } from './ip-address.ts';

/** Whether the peer, or an entry of X-Forwarded-For, is a trusted proxy. */
export type IsTrustedProxy = (entry: string) => boolean;

/** Compares canonical addresses, so that port, brackets and spelling of an entry do not matter. */
export function createTrustedProxyCheck(networks: readonly string[]): IsTrustedProxy {
  if (networks.length === 0) return () => false;
  const isTrusted = proxyAddr.compile([...networks]);
  return (entry) => {
    const address = forwardedIpAddress(entry);
    return address !== null && isTrusted(address, 0);
  };
}

/**
 * Logs two faults of X-Forwarded-For, each once. First fault: a peer that TRUST_PROXY does not name sends the header.
 * Second fault: an entry of a trusted proxy is not an IP address. In both cases several clients may share one address.
 */
export function warnOfUnusableForwarding(app: FastifyInstance, isTrusted: IsTrustedProxy): void {
  const warned = { peer: false, entry: false };
  app.addHook('onRequest', async ({ headers, ips = [], log, socket }) => {
    if (headers['x-forwarded-for'] === undefined) return;
    const peer = socket.remoteAddress;
    if (peer === undefined || !isTrusted(peer)) {
      if (!warned.peer)
        log.warn({ peer }, 'X-Forwarded-For is ignored: TRUST_PROXY does not name the peer that sent it');
      warned.peer = true;
    } else if (!warned.entry && forwardedIpAddress(ips.at(-1) ?? '') === null) {
      warned.entry = true;
      // The entry itself is not logged: a client may have put a token in it.
      log.warn({ proxy: ips.at(-2) }, 'An entry of X-Forwarded-For is ignored: it is not an address');
    }
  });
}

import { setTimeout as delay } from 'node:timers/promises';
import type { Test } from 'tap';
import { createVerifier, type Verifier, VerifyError } from '../../../packages/verify/src/index.ts';
import { type OpenedSession, RESOURCE_SERVER_KEY } from '../../support/issuing-service.ts';
import { type TcpProxy, tcpProxy } from '../../support/tcp-proxy.ts';

/** The environment of a service whose tokens resource servers verify. */
export const FOR_RESOURCE_SERVERS = {
  ACCESS_TOKEN_ALG: 'EdDSA',
  SERVICE_API_KEYS: `shop:verify+introspect:${RESOURCE_SERVER_KEY}`,
};

/** A resource server, and the connection that its stream takes. */
export interface ResourceServer {
  readonly verifier: Verifier;
  readonly proxy: TcpProxy;
}

/** Starts a resource server whose stream of revocations is complete. It refuses tokens while the stream is lost. */
export async function startResourceServer(t: Test, replica: string): Promise<ResourceServer> {
  const { hostname, port } = new URL(replica);
  const proxy = await tcpProxy(t, { host: hostname, port: Number(port) });
  const verifier = createVerifier({
    issuer: 'kinship',
    audience: 'kinship',
    url: `http://127.0.0.1:${proxy.port}`,
    revocations: { serviceKey: RESOURCE_SERVER_KEY, whenLost: 'refuse' },
  });
  t.teardown(verifier.close);
  await verifier.ready;
  return { verifier, proxy };
}

/** Resolves once the resource server refuses the session. */
export async function waitForRefusal(
  { verifier }: ResourceServer,
  { authorization }: OpenedSession,
): Promise<void> {
  while (await isAccepted(verifier, authorization)) await delay(1);
}

/** Whether the session is live at the resource server. Throws if the token is refused for another reason. */
export async function isAccepted(verifier: Verifier, authorization: string): Promise<boolean> {
  try {
    await verifier.verify(authorization);
    return true;
  } catch (error) {
    if (error instanceof VerifyError && error.code === 'session_ended') return false;
    throw error;
  }
}

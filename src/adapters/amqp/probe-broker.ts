import { Connection } from 'rabbitmq-client';
import { errorCode } from '../../lib/errors.ts';
import { withoutUndefined } from './broker-connection.ts';
import { parseBrokerUrl } from './broker-url.ts';
import { assertMayPublish, TOPOLOGY } from './topology.ts';

/**
 * Connects, and returns whether the exchange exists. Declares nothing. Rejects with the failure, also if the user may
 * not publish to the exchange.
 */
export async function probeBroker(url: string): Promise<{ readonly hasExchange: boolean }> {
  const connection = new Connection({
    ...parseBrokerUrl(url),
    connectionTimeout: 5_000,
    connectionName: 'kinship doctor',
  });
  const failed = new Promise<never>((_resolve, reject) =>
    connection.on('error', (error) => reject(withoutUndefined(error))),
  );
  try {
    return { hasExchange: await Promise.race([hasExchange(connection), failed]) };
  } finally {
    connection.unsafeDestroy();
  }
}

async function hasExchange(connection: Connection): Promise<boolean> {
  const channel = await connection.acquire({ emitErrorsFromChannel: true });
  channel.on('error', () => {});
  try {
    await channel.exchangeDeclare({ exchange: TOPOLOGY.exchange, passive: true });
    await assertMayPublish(channel, TOPOLOGY.exchange);
    return true;
  } catch (error) {
    if (errorCode(error) === 'NOT_FOUND') return false;
    throw error;
  }
}

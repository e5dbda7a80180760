import { Connection } from 'rabbitmq-client';
import { addressOf } from './address.ts';
import { codeOf } from './code-of.ts';
import { TOPOLOGY } from './topology.ts';

/** Connects and looks for the exchange, and declares nothing. Rejects with what went wrong. */
export async function probeBroker(url: string): Promise<{ readonly hasExchange: boolean }> {
  const connection = new Connection({
    ...addressOf(url),
    connectionTimeout: 5_000,
    connectionName: 'kinship doctor',
  });
  const failed = new Promise<never>((_resolve, reject) => connection.on('error', reject));
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
    return true;
  } catch (error) {
    if (codeOf(error) === 'NOT_FOUND') return false;
    throw error;
  }
}

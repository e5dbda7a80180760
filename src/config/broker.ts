import type { Variables } from './environment.ts';
import { namesOneHost, type Readers } from './values.ts';

/** The URL of RabbitMQ; null: the service has no broker. */
export function readBroker({ AMQP_URL }: Variables, read: Readers): string | null {
  if (AMQP_URL === '') return null;
  if (!isBrokerUrl(AMQP_URL)) {
    read.reportInvalidSecret(
      'AMQP_URL',
      'a URL such as amqp://user:password@host:5672/vhost, or amqps:// for TLS',
    );
  }
  return AMQP_URL;
}

function isBrokerUrl(value: string): boolean {
  if (!/^amqps?:\/\//.test(value) || !URL.canParse(value)) return false;
  const url = new URL(value);
  return !url.pathname.slice(1).includes('/') && namesOneHost(url);
}

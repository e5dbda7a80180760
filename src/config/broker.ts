import type { Variables } from './environment.ts';
import type { Readers } from './values.ts';

/** The URL of RabbitMQ; null: the service has no broker. */
export function readBroker({ AMQP_URL }: Variables, read: Readers): string | null {
  if (AMQP_URL === '') return null;
  if (!isBrokerUrl(AMQP_URL)) {
    read.wrongSecret('AMQP_URL', 'a URL such as amqp://user:password@host:5672/vhost, or amqps:// for TLS');
  }
  return AMQP_URL;
}

/** Checks the percent-encoding of each part too, because the adapter decodes them. */
function isBrokerUrl(value: string): boolean {
  if (!/^amqps?:\/\//.test(value) || !URL.canParse(value)) return false;
  const { hostname, username, password, pathname } = new URL(value);
  if (pathname.slice(1).includes('/')) return false;
  try {
    return [hostname, username, password, pathname].map(decodeURIComponent)[0] !== '';
  } catch {
    return false;
  }
}

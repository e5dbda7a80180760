import { isIP } from 'node:net';
import type { ConnectionOptions } from 'rabbitmq-client';

/**
 * Where `amqp://user:password@host:port/vhost` leads, or, with the certificate verified, `amqps://`. Nothing else of
 * the URL counts. Without a user it is RabbitMQ's own `guest`.
 */
export function addressOf(url: string) {
  const { protocol, hostname, port, username, password, pathname } = new URL(url);
  const withTls = protocol === 'amqps:';
  const host = decodeURIComponent(hostname.replace(/^\[|\]$/g, ''));
  return {
    hostname: host,
    port: port || (withTls ? 5671 : 5672),
    username: decodeURIComponent(username) || 'guest',
    password: decodeURIComponent(password) || 'guest',
    vhost: decodeURIComponent(pathname.slice(1)) || '/',
    ...(withTls && { tls: { rejectUnauthorized: true, ...(isIP(host) === 0 && { servername: host }) } }),
  } satisfies ConnectionOptions;
}

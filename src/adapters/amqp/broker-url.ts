import { isIP } from 'node:net';
import type { ConnectionOptions } from 'rabbitmq-client';

/**
 * Reads `amqp://user:password@host:port/vhost` or `amqps://…`, whose certificate is always verified. The query is
 * ignored, so it cannot disable the verification. Without a user the result has RabbitMQ's default user, `guest`.
 */
export function parseBrokerUrl(url: string) {
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

import { probeBroker } from '../../adapters/amqp/probe-broker.ts';
import { probeRedis } from '../../adapters/redis/probe-redis.ts';
import { probeMailServer } from '../../adapters/smtp/smtp-mailer.ts';
import type { Config } from '../../config.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

export async function checkRedis(url: string): Promise<readonly Finding[]> {
  const { version, role, maxMemory, evictionPolicy } = await probeRedis(url);
  const isPrimary = role === 'master';
  const found = `Redis ${version}, ${isPrimary ? 'a primary' : 'a replica'}`;
  return [
    isPrimary ? ok('Redis', found) : fail('Redis', found, 'let REDIS_URL name the primary'),
    checkMemory(maxMemory, evictionPolicy),
  ];
}

/** Every key expires, so each policy except `noeviction` may remove counts of limits and used proofs. */
function checkMemory(maxMemory: number, policy: string): Finding {
  const found = `maxmemory ${maxMemory === 0 ? 'unlimited' : `${maxMemory} bytes`}, ${policy}`;
  if (maxMemory === 0) return warn('Redis memory', found, 'set maxmemory, for example 192mb');
  if (policy === 'noeviction') return ok('Redis memory', found);
  return warn('Redis memory', found, 'set maxmemory-policy noeviction: eviction forgets counts of limits');
}

export async function checkBroker(url: string): Promise<readonly Finding[]> {
  const { hasExchange } = await probeBroker(url);
  return [
    ok('RabbitMQ', `reachable; the exchange kinship ${hasExchange ? 'exists' : 'is declared at the start'}`),
  ];
}

export async function checkMail(mail: Config['mail']): Promise<readonly Finding[]> {
  if (mail.kind === 'off') return [ok('mail', 'off: no mails are sent')];
  if (mail.kind === 'files') return [ok('mail', 'written to files: SMTP_SERVER is not set')];
  const { isEncrypted } = await probeMailServer(mail);
  const server = `${mail.host}:${mail.port}`;
  if (isEncrypted) return [ok('mail', `${server} accepts the service over TLS`)];
  return [warn('mail', `${server} offers no TLS`, 'enable STARTTLS at the server, or use port 465 or 587')];
}

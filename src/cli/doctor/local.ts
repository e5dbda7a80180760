import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Config } from '../../config.ts';
import { hostOf, isLoopback } from '../../lib/hosts.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

const MEBIBYTE = 1_048_576;

/** The free bytes below which the check warns, and those below which it fails. */
const SPACE = { warn: 1_024 * MEBIBYTE, fail: 100 * MEBIBYTE };

type DataFolder = Pick<Config, 'dataDir' | 'production' | 'database' | 'mail'>;

export async function checkDataFolder(config: DataFolder): Promise<readonly Finding[]> {
  const { dataDir, production, database, mail } = config;
  // Outside production the folder also holds generated keys.
  const isUsed = !production || database.kind === 'embedded' || mail.kind === 'files';
  if (!isUsed) return [ok('data folder', 'not used: no embedded database, no mails in files')];
  const place = await nearestExisting(dataDir);
  const note = place === dataDir ? '' : ', created at the first start';
  await access(place, constants.W_OK | constants.X_OK);
  const { bavail, bsize } = await statfs(place);
  return [ok('data folder', `${dataDir} is writable${note}`), checkSpace(bavail * bsize)];
}

async function nearestExisting(path: string): Promise<string> {
  const exists = await stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
  return exists || dirname(path) === path ? path : nearestExisting(dirname(path));
}

export function checkSpace(free: number): Finding {
  const found = `${Math.floor(free / MEBIBYTE)} MiB free`;
  if (free >= SPACE.warn) return ok('disk space', found);
  const remedy = 'free some space, or move DATA_DIR to another disk';
  return free >= SPACE.fail ? warn('disk space', found, remedy) : fail('disk space', found, remedy);
}

/** Checks that PUBLIC_URL, TRUST_PROXY, CORS_ORIGINS and API_HOST fit together. */
export function checkOrigins({ http, production }: Pick<Config, 'http' | 'production'>): readonly Finding[] {
  const { publicUrl, trustProxy, corsOrigins, host } = http;
  const findings: Finding[] = [];
  if (publicUrl?.startsWith('https:') && trustProxy.length === 0) {
    const found =
      'PUBLIC_URL is https, but TRUST_PROXY names no proxy: all clients share the address and the limits of the proxy';
    findings.push(warn('proxy', found, 'name the proxy that terminates TLS in TRUST_PROXY'));
  }
  // A loopback PUBLIC_URL is right for a container whose port is published on 127.0.0.1 only.
  if (publicUrl === null && !isLoopback(host)) {
    const found = `API_HOST is ${host}, but links in mails lead to localhost`;
    findings.push(warn('public URL', found, 'set PUBLIC_URL to the origin that clients use'));
  }
  const plain = corsOrigins.filter((origin) => origin.startsWith('http:') && !isLoopback(hostOf(origin)));
  if (production && plain.length > 0)
    findings.push(
      warn('CORS', `unencrypted origins: ${plain.join(', ')}`, 'use https origins in CORS_ORIGINS'),
    );
  return findings.length > 0 ? findings : [ok('origins', 'PUBLIC_URL, TRUST_PROXY and CORS_ORIGINS agree')];
}

import { connectRedis } from './connect.ts';

export interface RedisFacts {
  readonly version: string;
  /** `master` or `slave`. */
  readonly role: string;
  /** Bytes; 0: no limit. */
  readonly maxMemory: number;
  readonly evictionPolicy: string;
}

/** Connects and reads facts about the server. Rejects with the failure. */
export async function probeRedis(url: string): Promise<RedisFacts> {
  let outage: unknown;
  const noteOutage = ({ err }: { readonly err?: unknown }) => {
    outage ??= err;
  };
  const redis = await connectRedis(url, { info() {}, warn: noteOutage, error: noteOutage });
  try {
    // Without a connection the driver refuses the command, and does not say why.
    if (outage !== undefined) throw outage;
    const info = await redis.info();
    const fact = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
    return {
      version: fact('redis_version'),
      role: fact('role'),
      maxMemory: Number(fact('maxmemory')),
      evictionPolicy: fact('maxmemory_policy'),
    };
  } finally {
    redis.disconnect();
  }
}

import { UnusableKey } from '../adapters/jose/import-key.ts';
import { readKeyFile } from '../adapters/jose/key-file.ts';
import { createWebhookSender } from '../adapters/webhooks/webhook-sender.ts';
import type { Config } from '../config.ts';
import { keyFileFault } from './key-set.ts';
import { webhooksFileFaults } from './webhooks.ts';

/** Why a start would refuse KEY_SET_FILE: one sentence, or none. */
export async function findKeySetFault({
  keySet: { file, alg },
}: Pick<Config, 'keySet'>): Promise<readonly string[]> {
  if (file === null || alg === null) return [];
  try {
    await readKeyFile(file, alg);
    return [];
  } catch (error) {
    if (error instanceof UnusableKey) return [keyFileFault(file, error)];
    throw error;
  }
}

/** Why a start would refuse WEBHOOKS_FILE: a sentence for each fault. */
export async function findWebhooksFaults(
  config: Pick<Config, 'keySet' | 'webhooks'>,
): Promise<readonly string[]> {
  const sender = createWebhookSender(config.webhooks);
  const faults = webhooksFileFaults(config, sender);
  await sender.close();
  return faults;
}

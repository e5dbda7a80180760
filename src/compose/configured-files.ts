import { UnusableKey } from '../adapters/jose/import-key.ts';
import { readKeys, readKeyText } from '../adapters/jose/key-file.ts';
import { createWebhookSender } from '../adapters/webhooks/webhook-sender.ts';
import type { Config } from '../config.ts';
import { keyFileFault } from './key-set.ts';
import { webhooksFileFaults } from './webhooks.ts';

/** Why a start would refuse the files that the configuration names: a sentence for each fault. */
export async function configuredFilesFaults(
  config: Pick<Config, 'keySet' | 'webhooks'>,
): Promise<readonly string[]> {
  const sender = createWebhookSender(config.webhooks);
  const faults = webhooksFileFaults(config, sender);
  await sender.close();
  return [...(await keySetFileFaults(config)), ...faults];
}

async function keySetFileFaults({
  keySet: { file, alg },
}: Pick<Config, 'keySet'>): Promise<readonly string[]> {
  if (file === null || alg === null) return [];
  try {
    await readKeys(await readKeyText(file), alg);
    return [];
  } catch (error) {
    if (error instanceof UnusableKey) return [keyFileFault(file, error)];
    throw error;
  }
}

import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import type { Test } from 'tap';
import { skipFor } from './skip.ts';

const BINARIES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Launches a Chromium, which closes with the test. If none is installed, skips the test and returns null. */
export async function launchChromium(
  t: Pick<Test, 'plan' | 'teardown'>,
  args: readonly string[] = [],
): Promise<Browser | null> {
  const executablePath = BINARIES.find((path) => existsSync(path));
  if (executablePath === undefined) {
    skipFor(t, 'Chromium');
    return null;
  }
  // The sandbox of Chromium does not work for root. Without the sandbox, tests must open pages of this project only.
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', ...args] });
  t.teardown(() => browser.close());
  return browser;
}

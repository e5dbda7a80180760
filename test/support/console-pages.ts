import type { Page } from 'playwright-core';
import type { Test } from 'tap';
import { builtConsole } from './built-console.ts';
import { launchChromium } from './chromium.ts';
import { consoleService } from './console.ts';
import { PASSWORD } from './passwords.ts';
import { addAxe, COLOR_SCHEMES, takePicture, violationsIn, WIDTHS } from './rendering.ts';

/** The console in Chromium; null without Chromium. `errors` has script errors and what the content policy blocks. */
export async function startConsole(t: Test, settings: Parameters<typeof consoleService>[1] = {}) {
  const browser = await launchChromium(t);
  if (browser === null) return null;
  const service = await consoleService(t, { ...settings, files: await builtConsole(t.testdir()) });
  const context = await browser.newContext();
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && /policy|trusted/i.test(message.text())) errors.push(message.text());
  });
  return { ...service, page, context, errors };
}

export async function signIn(page: Page): Promise<void> {
  await page.getByLabel('Name or address').fill('olga');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Incidents' }).waitFor();
}

/** Moves the focus to an element by the tab key alone. */
export async function tabTo(
  page: Page,
  role: 'button' | 'link' | 'textbox',
  name: string | RegExp,
): Promise<void> {
  const target = page.getByRole(role, typeof name === 'string' ? { name, exact: true } : { name }).first();
  await target.waitFor();
  for (let tabs = 0; tabs < 60; tabs += 1) {
    if (await target.evaluate((node) => node.matches(':focus'))) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`The tab key does not reach ${name}.`);
}

/** The boxes that are narrower than their table, with the difference in pixels. */
const CUT_TABLES = `[...document.querySelectorAll('.scroll')]
  .filter((box) => box.scrollWidth > box.clientWidth)
  .map((box) => box.getAttribute('aria-label') + ': ' + (box.scrollWidth - box.clientWidth))`;

/**
 * Asserts, at two widths in light and dark: no accessibility rule is violated, nothing is wider than the window, and no
 * table is wider than its box.
 */
export async function checkRendering(t: Test, page: Page, name: string): Promise<void> {
  await addAxe(page);
  for (const width of WIDTHS)
    for (const colorScheme of COLOR_SCHEMES) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      const rendering = `console ${name}, ${colorScheme} at ${width} px`;
      await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
      await takePicture(page, rendering);
      t.equal(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), 0, rendering);
      t.same(await page.evaluate(CUT_TABLES), [], `${rendering}: a cut table`);
      t.same(await violationsIn(page), [], rendering);
    }
  await page.setViewportSize({ width: 1280, height: 900 });
}

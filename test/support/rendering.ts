import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import type { Test } from 'tap';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** axe takes an unset background as white. In dark mode the browser paints it dark. */
const CANVAS = ':root { background: Canvas }';

export const WIDTHS = [1280, 360];
export const COLOR_SCHEMES = ['light', 'dark'] as const;

/**
 * Checks pages without scripts at two widths, in light and dark. No accessibility rule may be violated (contrast
 * included), and nothing may be wider than the window. If `SCREENSHOTS` names a folder, the checks also save pictures
 * there.
 */
export async function renderingChecks(t: Test, browser: Browser) {
  const scriptless = await browser.newContext({ javaScriptEnabled: false });
  const shown = await scriptless.newPage();
  // axe needs scripts. So it checks a copy of the content in a page where scripts run.
  const copy = await browser.newPage();

  return async (name: string, show: (page: Page) => Promise<unknown>): Promise<void> => {
    await show(shown);
    await copy.setContent(await shown.content());
    await copy.addStyleTag({ content: CANVAS });
    await addAxe(copy);
    for (const width of WIDTHS) {
      for (const colorScheme of COLOR_SCHEMES) {
        for (const page of [shown, copy]) {
          await page.setViewportSize({ width, height: 800 });
          await page.emulateMedia({ colorScheme });
        }
        const rendering = `${name}, ${colorScheme} at ${width} px`;
        await takePicture(shown, rendering);
        t.equal(await shown.evaluate('document.documentElement.scrollWidth - innerWidth'), 0, rendering);
        t.same(await violationsIn(copy), [], rendering);
      }
    }
  };
}

export async function addAxe(page: Page): Promise<void> {
  await page.evaluate(AXE);
}

/** The violations of accessibility rules in a page to which {@link addAxe} has added axe. */
export async function violationsIn(page: Page): Promise<string[]> {
  const { violations, passes } = (await page.evaluate('axe.run()')) as AxeResults;
  const found = violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  return passes.some(({ id }) => id === 'color-contrast') ? found : [...found, 'no contrast was checked'];
}

/** If `SCREENSHOTS` names a folder, saves a picture of the whole page there. */
export async function takePicture(page: Page, name: string): Promise<void> {
  const { SCREENSHOTS } = process.env;
  if (SCREENSHOTS === undefined) return;
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name.replace(/\W+/g, '-')}.png`), fullPage: true });
}

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import type { BrowserContext, Page } from 'playwright-core';
import type { Test } from 'tap';
import { launchChromium } from '../../support/chromium.ts';
import { type HttpOverrides, type HttpService, startHttpService } from '../../support/http.ts';
import type { Settings } from '../../support/sessions.ts';
import { type TcpProxy, tcpProxy } from '../../support/tcp-proxy.ts';
import { isRefresh } from './sessions.ts';

export interface Tabs {
  readonly service: HttpService;
  /** The proxy between the pages and the service. */
  readonly proxy: TcpProxy;
  readonly context: BrowserContext;
  /** The reports of the pages, in order. */
  readonly reports: readonly { readonly what: string; readonly detail: unknown }[];
  /** Opens another tab. Resolves when the tab is ready. */
  open(): Promise<Page>;
}

export interface TabsOptions {
  /** The host name of the pages' server in the browser. */
  readonly host?: string;
  /** The host name of the service in the browser. */
  readonly serviceHost?: string;
  /** The script of the pages, in `page/`. */
  readonly script?: string;
  readonly settings?: Settings & { readonly http?: HttpOverrides };
}

/**
 * Launches a Chromium whose pages are from one origin and call the service at another origin, through a proxy. Without
 * Chromium, skips the test and returns null.
 */
export async function launchTabs(
  t: Test,
  { host = 'localhost', serviceHost = '127.0.0.1', script = 'page.ts', settings = {} }: TabsOptions = {},
): Promise<Tabs | null> {
  const browser = await launchChromium(t, [`--host-resolver-rules=MAP ${host} 127.0.0.1`]);
  if (browser === null) return null;
  const origin = `http://${host}:${await servePage(t, script)}`;
  const service = await startHttpService(t, {
    ...settings,
    http: { ...settings.http, corsOrigins: [origin] },
  });
  const proxy = await tcpProxy(t, { host: '127.0.0.1', port: Number(new URL(service.url).port) });
  const context = await browser.newContext();
  const reports: { what: string; detail: unknown }[] = [];
  await context.exposeBinding('report', (_source, what, detail) => void reports.push({ what, detail }));
  await context.addInitScript(`globalThis.SERVICE = 'http://${serviceHost}:${proxy.port}'`);
  return {
    service,
    proxy,
    context,
    reports,
    async open() {
      const page = await context.newPage();
      await page.goto(origin);
      return page;
    },
  };
}

/** The sign-outs that pages reported. */
export const listSignOuts = ({ reports }: Pick<Tabs, 'reports'>) =>
  reports.filter(({ what }) => what === 'signed out');

/**
 * Runs `script` in three tabs at once, twenty times. One round in four loses the answer to a refresh. One in
 * ten reloads the second tab, and one in ten kills the third.
 */
export async function disturbThree(
  { proxy, open }: Tabs,
  pages: Page[],
  script: string,
  beforeRound: () => void = () => {},
): Promise<void> {
  for (let round = 0; round < 20; round += 1) {
    beforeRound();
    if (round % 4 === 1) proxy.loseAnswerTo(isRefresh);
    const renewals = pages.map((page) => page.evaluate(script).catch(() => null));
    if (round % 10 === 5) await pages[1]?.reload();
    if (round % 10 === 9) {
      await pages[2]?.close();
      pages[2] = await open();
    }
    await Promise.all(renewals);
  }
}

/** Serves one page that contains the client. Resolves with the port. */
export async function servePage(t: Test, script = 'page.ts'): Promise<number> {
  const bundle = await build({
    entryPoints: [`test/client/page/${script}`],
    bundle: true,
    write: false,
  });
  const html = `<!doctype html><script>${bundle.outputFiles[0]?.text}</script>`;
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end(html);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => server.close().closeAllConnections());
  return (server.address() as AddressInfo).port;
}

import { CookieJar } from 'tough-cookie';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

interface Request {
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Leaves out the cookies that a browser does not send from a page of another site. */
  readonly crossSite?: boolean;
}

/** An HTTP client with the cookies of a browser. The headers `usual` are sent with every request. */
export function browser(url: string, usual: Readonly<Record<string, string>> = {}) {
  const jar = new CookieJar();

  async function ask(method: string, path: string, request: Request = {}): Promise<Answer> {
    const { json, headers = {}, crossSite = false } = request;
    const target = new URL(path, url).href;
    const sameSiteContext = crossSite ? 'none' : 'strict';
    const cookie = await jar.getCookieString(target, { sameSiteContext });
    const response = await fetch(target, {
      method,
      redirect: 'manual',
      headers: {
        ...(cookie !== '' && { cookie }),
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...usual,
        ...headers,
      },
      ...(json !== undefined && { body: JSON.stringify(json) }),
    });
    for (const line of response.headers.getSetCookie())
      await jar.setCookie(line, target, { sameSiteContext });
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  return {
    ask,
    /** The cookies that a request to this path would have, by name. */
    async cookies(path: string): Promise<Record<string, string>> {
      const sent = await jar.getCookies(new URL(path, url).href);
      return Object.fromEntries(sent.map(({ key, value }) => [key, value]));
    },
    setCookie: (line: string, path = '/') => jar.setCookie(line, new URL(path, url).href),
  };
}

export type Browser = ReturnType<typeof browser>;

/** Each cookie of an answer: its value and its sorted attributes. */
export function cookiesOf({ headers }: Answer): Record<string, { value: string; attributes: string[] }> {
  return Object.fromEntries(
    headers.getSetCookie().map((line) => {
      const [pair = '', ...attributes] = line.split('; ');
      const [name = ''] = pair.split('=', 1);
      return [name, { value: pair.slice(name.length + 1), attributes: attributes.sort() }];
    }),
  );
}

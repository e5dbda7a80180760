import type { Test } from 'tap';
import { createHttp, type HttpOptions } from '../../src/adapters/http/http.ts';
import { loginGuard } from '../../src/adapters/http/server/login-guard.ts';
import { createLog } from '../../src/adapters/telemetry/log.ts';
import { logInById } from '../../src/app/sessions/log-in-by-id.ts';
import { refresh } from '../../src/app/sessions/refresh.ts';
import { HOME, type Settings, sessions } from './sessions.ts';

export const SERVICE_KEY = 'a-service-key-of-more-than-32-bytes-for-tests';

export const serviceKeys = [
  { name: 'backend', scopes: ['login'], secret: SERVICE_KEY },
  { name: 'watcher', scopes: ['metrics'], secret: `other-${SERVICE_KEY}` },
] as const;

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** The service over a real socket on loopback, in this process, with its log lines at hand. */
export async function httpService(
  t: Pick<Test, 'teardown'>,
  settings: Settings & { http?: Partial<HttpOptions> } = {},
) {
  const service = await sessions(settings);
  const lines: string[] = [];
  const app = await createHttp({
    log: createLog('trace', { write: (line) => void lines.push(line) }),
    publicUrl: null,
    trustProxy: [],
    corsOrigins: [],
    guard: loginGuard('open', serviceKeys),
    logInById: logInById(service),
    refresh: refresh(service),
    checks: {},
    ...settings.http,
    limits: { drain: 0, ...settings.http?.limits },
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  t.teardown(() => app.close());

  async function send(path: string, init: RequestInit = {}): Promise<Answer> {
    const response = await fetch(new URL(path, url), init);
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) };
  }

  return {
    ...service,
    app,
    url,
    lines,
    send,

    post: (path: string, body?: unknown, headers: Record<string, string> = {}) =>
      send(path, {
        method: 'POST',
        headers: {
          'user-agent': HOME.userAgent,
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
  };
}

export type HttpService = Awaited<ReturnType<typeof httpService>>;

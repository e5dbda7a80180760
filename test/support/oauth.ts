import type { HttpService } from './http.ts';

/** The header `Authorization` of a client, as in RFC 6749 section 2.3.1. */
export function basic(name: string, secret: string): Record<string, string> {
  const [id, password] = [name, secret].map((text) => new URLSearchParams({ '': text }).toString().slice(1));
  return { authorization: `Basic ${Buffer.from(`${id}:${password}`).toString('base64')}` };
}

type Form = Readonly<Record<string, string>> | string;

/** Posts a form, given as members or as encoded text. */
export function postForm(
  { send }: Pick<HttpService, 'send'>,
  path: string,
  form: Form,
  headers: Record<string, string> = {},
) {
  const body = new URLSearchParams(form).toString();
  return send(path, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: typeof form === 'string' ? form : body,
  });
}

export const refreshForm = (token: string) => ({ grant_type: 'refresh_token', refresh_token: token });

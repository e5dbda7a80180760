import t, { type Test } from 'tap';
import { httpService } from '../../support/http.ts';
import { openapiOf } from '../../support/openapi.ts';

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly maxLength?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly examples?: readonly Record<string, unknown>[];
}

/** Every member of every body that is text, and each content type that the body may have. */
async function textMembers(t: Pick<Test, 'teardown'>) {
  const { paths, components } = await openapiOf(t);
  const schemas = components.schemas as Readonly<Record<string, Schema>>;
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, { requestBody }]) =>
      Object.entries(requestBody?.content ?? {}).flatMap(([type, { schema }]) => {
        const { $ref } = schema as Schema;
        const { properties = {}, examples = [{}] } =
          schemas[$ref?.split('/').at(-1) ?? ''] ?? (schema as Schema);
        return Object.entries(properties).flatMap(([name, { maxLength = 0 }]) =>
          maxLength === 0 ? [] : [{ path, method, type, name, maxLength, example: examples[0] ?? {} }],
        );
      }),
    ),
  );
}

function encoded(
  type: string,
  members: Record<string, unknown>,
): { body: string | URLSearchParams | FormData; type?: string } {
  const entries = Object.entries(members).map(([name, value]): [string, string] => [name, String(value)]);
  if (type === 'application/json') return { body: JSON.stringify(members), type };
  if (type !== 'multipart/form-data') return { body: new URLSearchParams(entries) };
  const form = new FormData();
  for (const [name, value] of entries) form.set(name, value);
  return { body: form };
}

t.test(
  'the longest text and a longer one are refused or answered on every route, never with 5xx',
  async (t) => {
    const { url, lines, post } = await httpService(t);
    const account = { username: 'ann', email: 'ann@example.com', password: 'a violet piano 42' };
    await post('/auth/register', account);
    const { access } = (await post('/auth/login', account)).body;
    const members = await textMembers(t);
    t.ok(members.length > 40, `${members.length} members`);
    for (const { path, method, type, name, maxLength, example } of members) {
      for (const [length, kind] of [
        [maxLength, 'the longest'],
        [maxLength + 1, 'a longer one'],
      ] as const) {
        for (const character of ['x', '\u00e9', '\ufdfa']) {
          const { body, type: contentType } = encoded(type, { ...example, [name]: character.repeat(length) });
          const headers = {
            authorization: `Bearer ${access}`,
            ...(contentType !== undefined && { 'content-type': contentType }),
          };
          const response = await fetch(url + path.replace('{id}', '1'), {
            method: method.toUpperCase(),
            body,
            headers,
          });
          await response.arrayBuffer();
          const said = `${method} ${path}, ${type}: ${kind} ${name} of ${character}: ${response.status}`;
          if (kind === 'a longer one') t.ok([400, 401, 404, 413].includes(response.status), said);
          else t.ok(response.status < 500, said);
        }
      }
    }
    t.notOk(
      lines.some((line) => /x{200}|\u00e9{200}|\ufdfa{200}/.test(line)),
      'no log line repeats the text',
    );
  },
);

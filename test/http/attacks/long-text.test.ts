import t from 'tap';
import { startHttpService } from '../../support/http.ts';
import { PASSWORD } from '../../support/passwords.ts';
import { encodeBody, textMembers } from '../../support/text-members.ts';

t.test(
  'the longest text and a longer one are refused or answered on every route, never with 5xx',
  async (t) => {
    const { url, lines, post } = await startHttpService(t);
    const account = { username: 'ann', email: 'ann@example.com', password: PASSWORD };
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
          const { body, type: contentType } = encodeBody(type, {
            ...example,
            [name]: character.repeat(length),
          });
          const headers = {
            authorization: `Bearer ${access}`,
            ...(contentType !== undefined && { 'content-type': contentType }),
          };
          const response = await fetch(url + path.replace('{id}', '1'), {
            method,
            body,
            headers,
          });
          await response.arrayBuffer();
          const request = `${method} ${path}, ${type}: ${kind} ${name} of ${character}: ${response.status}`;
          if (kind === 'a longer one') t.ok([400, 401, 404, 413].includes(response.status), request);
          else t.ok(response.status < 500, request);
        }
      }
    }
    t.notOk(
      lines.some((line) => /x{200}|\u00e9{200}|\ufdfa{200}/.test(line)),
      'no log line repeats the text',
    );
  },
);

import { runInNewContext } from 'node:vm';
import t from 'tap';
import { PASSKEY_SCRIPT_SOURCE } from '../../src/adapters/http/pages/account/passkey-form.ts';

/** Runs the script on a page with one form, submits the form, and returns the shown text. */
async function failureOf(credentials: object, PublicKeyCredential: object): Promise<string> {
  const failure = { textContent: '' };
  let submit = async (_event: object) => {};
  const form = {
    dataset: { passkey: 'get', options: '{}' },
    elements: { credential: {} },
    hidden: true,
    querySelector: () => failure,
    addEventListener: (_type: string, listener: typeof submit) => {
      submit = listener;
    },
    submit() {},
  };
  const document = { querySelectorAll: () => [form] };
  runInNewContext(PASSKEY_SCRIPT_SOURCE, { document, navigator: { credentials }, PublicKeyCredential });
  await submit({ preventDefault() {} });
  return failure.textContent;
}

t.test('the passkey form says why the browser gave no passkey', async (t) => {
  const supported = { parseRequestOptionsFromJSON: (options: object) => options };
  const refusing = (name: string) => ({ get: () => Promise.reject(new DOMException('x', name)) });
  t.match(await failureOf(refusing('NotAllowedError'), supported), /you cancelled, it took too long, or/);
  t.match(
    await failureOf(refusing('InvalidStateError'), supported),
    /has a passkey for this account already/,
  );
  t.match(await failureOf(refusing('SecurityError'), supported), /This browser cannot use passkeys/);
  t.match(await failureOf({}, {}), /This browser cannot use passkeys/, 'an old browser');
  t.equal(await failureOf({ get: async () => ({}) }, supported), '');
});

import t, { type Test } from 'tap';
import { apiPathOfSession, endSession } from '../../console/src/app/api.ts';
import { accountChanges } from '../../console/src/app/api-users.ts';
import { listDeliveries, readEndpoint, setEnabled } from '../../console/src/app/api-webhooks.ts';

/** The paths of the requests that the console sends. */
function recordPaths(t: Test): string[] {
  const paths: string[] = [];
  const { fetch } = globalThis;
  globalThis.fetch = async (input) => {
    paths.push(new URL(String(input), 'https://auth.example.com').pathname);
    return Response.json({});
  };
  t.teardown(() => {
    globalThis.fetch = fetch;
  });
  return paths;
}

t.test('an id in the URL of a page reaches no other route of the API', async (t) => {
  const paths = recordPaths(t);
  const { signal } = new AbortController();
  const id = '../users/6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11?a=#';
  await readEndpoint(id, signal);
  await listDeliveries(id, null, signal);
  await setEnabled(id, false, 'a reason');
  await endSession(id, 'a reason');
  const encoded = encodeURIComponent(id);
  t.same(paths, [
    `/admin/webhooks/${encoded}`,
    `/admin/webhooks/${encoded}/deliveries`,
    `/admin/webhooks/${encoded}`,
    `/admin/sessions/${encoded}`,
  ]);
  t.equal(apiPathOfSession(id), `/admin/sessions/${encoded}`);
});

t.test('a change of an account sends only what the operator changed', async (t) => {
  const shown = { username: 'ann', email: 'ann@example.com', emailVerified: false };
  t.equal(accountChanges(shown, shown), null);
  t.same(accountChanges(shown, { ...shown, username: 'anna' }), { username: 'anna' });
  t.same(accountChanges(shown, { ...shown, emailVerified: true }), { emailVerified: true });
  const verified = { ...shown, emailVerified: true };
  const email = 'anna@example.com';
  t.same(
    accountChanges(verified, { ...verified, email }),
    { email, emailVerified: true },
    'a new address goes with its state',
  );
});

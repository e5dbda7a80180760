import { join } from 'node:path';
import t from 'tap';
import { parseConnectionUrl } from '../../src/adapters/postgres/connection/url.ts';

const BASE = 'postgres://ann@db.example/kinship';

t.test('the refusal of an invalid URL names the invalid part', async (t) => {
  for (const [url, reason] of [
    ['postgres://ann@[::1:5432/kinship', /names no host/],
    ['postgres://ann@db.example:0/kinship', /invalid port/],
    ['postgres://ann@db.example:65536/kinship', /invalid port/],
    [`${BASE}?connect_timeout=0`, /invalid connect_timeout: use whole seconds from 1 to 60/],
    [`${BASE}?keepalives_idle=61`, /invalid keepalives_idle: use whole seconds/],
    [
      `${BASE}?sslrootcert=/no/such/file&sslmode=verify-full`,
      /sslrootcert, whose file cannot be read \(ENOENT\)/,
    ],
    [`${BASE}?sslcert=/no/such/file`, /sslcert, whose file cannot be read/],
    [`${BASE}?%00%ff=x`, /percent sign/],
    [`${BASE}?a%20name=x`, /name not shown/],
    [`${BASE}?target_session_attrs=standby`, /the service writes/],
    ['postgres://a%zz@db.example/kinship', /percent sign/],
    ['postgres://ann%00x@db.example/kinship', /code 0/],
    [`${BASE}?application_name=%00`, /code 0/],
    [`${BASE}?port=1,2`, /another number of ports/],
    [`${BASE}?host=a,b,c&port=1,2`, /another number of ports/],
    [`${BASE}?sslnegotiation=fast`, /sslnegotiation, which must be one of postgres, direct/],
    [`${BASE}?sslmode=disable&sslnegotiation=direct`, /sslnegotiation=direct, which needs another sslmode/],
    [`${BASE}?options=-c%20client_encoding%3DLATIN1`, /options with client_encoding/],
  ] as const)
    t.throws(() => parseConnectionUrl(url), { message: reason }, url);
});

t.test('hosts can share one port or have one port each, and keep-alives can be off', async (t) => {
  const hostsOf = (url: string) => parseConnectionUrl(url).hosts.map(({ host, port }) => `${host}:${port}`);
  t.same(hostsOf(`${BASE}?host=a,b&port=6432`), ['a:6432', 'b:6432']);
  t.same(hostsOf(`${BASE}?host=a,b&port=6432,6433`), ['a:6432', 'b:6433']);
  t.same(hostsOf('postgres://ann@a:1,b:2/kinship'), ['a:1', 'b:2']);
  t.same(hostsOf('postgres://ann@a:1,b/kinship'), ['a:1', 'b:5432']);
  t.same(hostsOf('postgres://ann@a:1/kinship?port=2'), ['a:2'], 'each parameter replaces its own half');
  t.same(hostsOf('postgres://ann@a:1/kinship?host=b'), ['b:1']);
  t.same(hostsOf('postgres://ann@[::1]:1,[::2]/kinship'), ['::1:1', '::2:5432']);
  t.same(hostsOf('postgres://ann@/kinship?host=::1'), ['::1:5432']);
  t.same(hostsOf('postgres://ann@/kinship?host=a%2525b'), ['a%25b:5432'], 'a parameter is decoded once');
  t.equal(parseConnectionUrl(`${BASE}?keepalives=0`).keepAlive, null);
  t.equal(parseConnectionUrl(`${BASE}?keepalives_idle=30`).keepAlive, 30);
});

t.test('a URL with a parameter for TLS never leads to an unencrypted connection', async (t) => {
  const file = join(t.testdir({ 'some.pem': 'PEM' }), 'some.pem');
  for (const [parameter, mode] of [
    [`sslcert=${file}`, 'verify-full'],
    [`sslkey=${file}`, 'verify-full'],
    [`sslrootcert=${file}`, 'verify-ca'],
    ['sslrootcert=system', 'verify-full'],
    ['sslnegotiation=direct', 'verify-full'],
    ['sslnegotiation=postgres', 'disable'],
  ] as const)
    t.equal(parseConnectionUrl(`${BASE}?${parameter}`).tls, mode, parameter);
});

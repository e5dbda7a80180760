// The import rules of the hexagon (docs/architecture.md), held as errors by `npm test`.
const only = (name, from, allowed) => ({
  name,
  severity: 'error',
  from: { path: `^src/${from}` },
  to: { path: '^(src|node_modules)/', pathNot: allowed.map((folder) => `^src/${folder}`) },
});

/** One package, one home: the vendor is known in that place alone. */
const home = (vendor, folders) => ({
  name: `${vendor}-has-one-home`,
  severity: 'error',
  from: { path: '^src/', pathNot: folders.map((folder) => `^src/${folder}`) },
  to: { path: `^node_modules/${vendor}/` },
});

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-orphans', severity: 'error', from: { orphan: true, path: '^src/' }, to: {} },
    {
      name: 'no-dev-dependency',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'] },
    },
    {
      name: 'not-declared',
      severity: 'error',
      // The frameworks of these packages are optional peers; a rule below names each.
      from: { pathNot: '^packages/(fastify|express|hono)/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    { name: 'unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    only('domain-is-alone', 'domain/', ['domain/']),
    {
      name: 'domain-knows-no-platform',
      severity: 'error',
      from: { path: '^src/(domain|ports|app)/' },
      to: { dependencyTypes: ['core'] },
    },
    only('lib-is-a-leaf', 'lib/', ['lib/']),
    only('ports-know-the-domain', 'ports/', ['domain/', 'ports/']),
    only('app-knows-domain-ports-and-lib', 'app/', ['domain/', 'ports/', 'lib/', 'app/']),
    {
      name: 'driven-adapters-know-domain-and-ports',
      severity: 'error',
      from: { path: '^src/adapters/(?!http/)' },
      to: { path: '^src/(app|cli|main|config|compose|adapters/http)' },
    },
    {
      name: 'adapters-never-import-each-other',
      severity: 'error',
      from: { path: '^src/adapters/([^/]+)/' },
      to: { path: '^src/adapters/', pathNot: '^src/adapters/$1/' },
    },
    {
      name: 'http-knows-no-top',
      severity: 'error',
      from: { path: '^src/adapters/http/' },
      to: { path: '^src/(cli|main|config|compose)' },
    },
    {
      name: 'client-is-alone',
      severity: 'error',
      from: { path: '^client/' },
      to: { pathNot: '^client/src/' },
    },
    {
      name: 'console-knows-the-domain-and-the-api',
      severity: 'error',
      from: { path: '^console/' },
      to: {
        pathNot:
          '^(console/src/|src/domain/|src/lib/|client/src/api|src/adapters/http/server/describe-user-agent|node_modules/preact/)',
      },
    },
    {
      name: 'nothing-knows-the-console',
      severity: 'error',
      from: { path: '^(src|client|packages)/' },
      to: { path: '^console/' },
    },
    {
      name: 'verify-knows-jose-alone',
      severity: 'error',
      from: { path: '^packages/verify/' },
      to: { pathNot: '^(packages/verify/src|node_modules/jose)/' },
    },
    {
      name: 'framework-packages-know-verify-and-their-framework',
      severity: 'error',
      from: { path: '^packages/(fastify|express|hono)/' },
      to: { pathNot: '^(packages/verify/src/index|packages/$1/src/|node_modules/(@types/)?$1/)' },
    },
    home('postgres', ['adapters/postgres/']),
    home('postgrator', ['adapters/postgres/']),
    home('@electric-sql', ['adapters/postgres/embedded/']),
    home('tar', ['adapters/postgres/embedded/']),
    home('(fastify|@fastify|@sinclair)', ['adapters/http/', 'config']),
    home('otpauth', ['adapters/otpauth/']),
    home('@simplewebauthn', ['adapters/webauthn/']),
    home('qr', ['adapters/http/']),
    home('ipaddr\\.js', ['adapters/http/', 'adapters/webhooks/']),
    home('jose', ['adapters/jose/']),
    home('argon2', ['adapters/argon2/']),
    home('@node-rs', ['adapters/foreign-passwords/']),
    home('nodemailer', ['adapters/smtp/']),
    home('ioredis', ['adapters/redis/']),
    home('@opentelemetry', ['adapters/telemetry/']),
    home('rabbitmq-client', ['adapters/amqp/']),
    home('prom-client', ['adapters/telemetry/']),
    home('close-with-grace', ['main/']),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};

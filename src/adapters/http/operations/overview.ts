import { type Static, Type } from '@sinclair/typebox';
import type { KeyInSet } from '../../../app/keys/list-keys.ts';
import type { Overview, OverviewSample, ReadOverview } from '../../../app/overview/read-overview.ts';
import { KEY_ALGORITHMS } from '../../../domain/key-set.ts';
import type { App } from '../server/app.ts';
import { examples } from '../server/examples.ts';
import { closed, count, longText, oneOf } from '../server/field-schemas.ts';
import { operatorSchema } from '../server/operators.ts';
import { jsonAnswer, problemResponses, Time, textAnswer } from '../server/schemas.ts';
import { createOverviewStream, type OverviewStream } from './overview-stream.ts';
import { setStreamHeaders } from './revocations.ts';

export interface OverviewOptions {
  readonly readOverview: ReadOverview;
}

const countOrNull = (description: string) =>
  Type.Union([count(), Type.Null()], { description: `${description}; null: the database does not answer` });

const Sample = Type.Object(
  {
    at: Time,
    logins: count({
      description: 'since the start of this replica. The same applies to `refreshes` and `refusals`',
    }),
    refreshes: count(),
    refusals: Type.Record(Type.String({ maxLength: 100 }), count(), {
      description: 'refused logins and refreshes by reason, such as `login invalid_credentials`',
    }),
    sessions: countOrNull('live sessions, an estimate above 100,000'),
    mailsWaiting: countOrNull('mails that wait'),
    eventsWaiting: countOrNull('events for the broker that wait'),
    deliveriesWaiting: countOrNull('deliveries to enabled webhooks that wait'),
  },
  { ...closed, title: 'OverviewSample' },
);

const Key = Type.Object(
  {
    id: longText(),
    alg: oneOf(KEY_ALGORITHMS),
    state: oneOf(['announced', 'signing', 'retired', 'refused'], {
      description: '`refused`: the service does not use the key, because it cannot be opened or was altered',
    }),
    announcedAt: Type.Optional(Time),
    signsFrom: Type.Optional(Time),
    publishedUntil: Type.Optional(Time),
  },
  { ...closed, title: 'OverviewKey' },
);

const OverviewAnswer = Type.Object(
  {
    replica: longText({
      description:
        'the replica that answers: host name and port. Logins, refreshes and refusals are those of this replica',
    }),
    samples: Type.Array(Sample, { maxItems: 1_000 }),
    dependencies: Type.Array(
      Type.Object(
        { name: longText(), state: oneOf(['up', 'down']) },
        { ...closed, title: 'OverviewDependency' },
      ),
      { maxItems: 20 },
    ),
    keys: Type.Union([Type.Array(Key, { maxItems: 100 }), Type.Null()], {
      description: 'the keys of access tokens; null: they cannot be read now',
    }),
  },
  {
    ...closed,
    title: 'Overview',
    examples: [
      {
        replica: 'kinship-1:3000',
        samples: [
          {
            at: examples.time,
            ...{ logins: 12, refreshes: 345, refusals: { 'login invalid_credentials': 3 } },
            ...{ sessions: 67, mailsWaiting: 0, eventsWaiting: 0, deliveriesWaiting: 0 },
          },
        ],
        dependencies: [{ name: 'database', state: 'up' }],
        keys: [],
      },
    ],
  },
);

const PATH = '/admin/overview';
const STREAM = `${PATH}/stream`;

/** `GET /admin/overview` and its stream. Must be registered in a scope that requires an operator. */
export function overviewRoutes(scope: App, { readOverview }: OverviewOptions): void {
  scope.get(
    PATH,
    {
      schema: {
        ...operatorSchema,
        operationId: 'getOverview',
        summary: 'Get the state of the service and its counts of the last hour',
        description:
          'Counts are those of the replica that answers. Sessions, mails, events and deliveries are those of the service. ' +
          'A replica without the console takes a sample only when this route or its stream is read.',
        response: { 200: jsonAnswer('the overview', OverviewAnswer), ...problemResponses(401, 403, 503) },
      },
    },
    async (): Promise<Static<typeof OverviewAnswer>> => toAnswer(await readOverview()),
  );
  streamRoute(scope, readOverview);
}

function streamRoute(scope: App, readOverview: ReadOverview): void {
  const open = new Set<OverviewStream>();
  scope.addHook('preClose', async () => {
    for (const stream of open) stream.close();
  });

  scope.get(
    STREAM,
    {
      exposeHeadRoute: false,
      schema: {
        ...operatorSchema,
        operationId: 'followOverview',
        summary: 'Follow the state of the service',
        description:
          'Server-sent events, every five seconds. Each has the form of `GET /admin/overview`. The first one has the samples ' +
          'of the last hour, each other one only the newer samples. The stream ends after a minute: connect again.',
        response: {
          200: textAnswer('the events', 'text/event-stream'),
          ...problemResponses(401, 403, 503),
        },
      },
    },
    async (request, reply) => {
      const stream = createOverviewStream({
        read: async () => toAnswer(await readOverview()),
        onFailed: (error) => request.log.warn({ err: error }, 'the overview could not be read'),
        onClose: () => open.delete(stream),
      });
      open.add(stream);
      return setStreamHeaders(reply).send(stream.body);
    },
  );
  // A generated HEAD route would open a stream.
  scope.head(STREAM, { schema: { hide: true } }, async (_request, reply) =>
    setStreamHeaders(reply).send(null),
  );
}

function toAnswer({ replica, samples, dependencies, keys }: Overview): Static<typeof OverviewAnswer> {
  return {
    replica,
    samples: samples.map(toSample),
    dependencies: dependencies.map(({ name, isUp }) => ({ name, state: isUp ? 'up' : 'down' })),
    keys: keys?.map(toKey) ?? null,
  };
}

function toKey({ id, alg, state, announcedAt, signsFrom, publishedUntil }: KeyInSet) {
  return {
    id,
    alg,
    state,
    ...optionalTime('announcedAt', announcedAt),
    ...optionalTime('signsFrom', signsFrom),
    ...optionalTime('publishedUntil', publishedUntil),
  };
}

function toSample({ at, refusals, ...counts }: OverviewSample) {
  return { at: new Date(at).toISOString(), ...counts, refusals: { ...refusals } };
}

/** Leaves out an unknown time. A key file holds no times, and the signing key has no end yet. */
function optionalTime<Name extends string>(name: Name, at: number): { readonly [Key in Name]?: string } {
  const known = at > 0 && Number.isFinite(at);
  return (known ? { [name]: new Date(at).toISOString() } : {}) as { readonly [Key in Name]?: string };
}

/**
 * The lower limit of the CPU time of a refresh in Fastify. The route reads the same body as Kinship, answers with as
 * many bytes, and writes a log line. It verifies nothing and stores nothing.
 */
import fastify, { LogController } from 'fastify';
import pino from 'pino';

const log = pino();
const app = fastify({
  loggerInstance: log,
  logController: new LogController({ disableRequestLogging: true }),
});
const token = { type: 'string', maxLength: 4096 };
const text = { type: 'string' };

app.addHook('onResponse', async (request, reply) => {
  const { method, routeOptions } = request;
  const line = { method, route: routeOptions.url, status: reply.statusCode, ms: reply.elapsedTime };
  request.log.info(line, 'answered');
});

app.post(
  '/auth/refresh',
  {
    schema: {
      body: {
        type: 'object',
        additionalProperties: false,
        required: ['refreshToken', 'accessToken'],
        properties: { refreshToken: token, accessToken: token },
      },
      response: {
        200: {
          type: 'object',
          properties: { access: text, refresh: text, expiresIn: { type: 'integer' } },
        },
      },
    },
  },
  async ({ body }) => ({ access: body.accessToken, refresh: body.refreshToken, expiresIn: 900 }),
);

const url = await app.listen({ port: 0, host: '127.0.0.1' });
process.stdout.write(`${JSON.stringify({ url })}\n`);

process.once('SIGTERM', () => app.close());

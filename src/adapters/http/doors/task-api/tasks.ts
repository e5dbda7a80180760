import { type Static, Type } from '@sinclair/typebox';
import type { ChangeTask } from '../../../../app/tasks/change-task.ts';
import type { CreateTask } from '../../../../app/tasks/create-task.ts';
import type { DeleteTask } from '../../../../app/tasks/delete-task.ts';
import type { FindTask } from '../../../../app/tasks/find-task.ts';
import type { ListTasks } from '../../../../app/tasks/list-tasks.ts';
import type { Task } from '../../../../domain/task.ts';
import type { App } from '../../server/app.ts';
import { principalOf } from '../../server/authenticate.ts';
import { examples } from '../../server/examples.ts';
import { closed, count, longText } from '../../server/field-schemas.ts';
import { emptyAnswer, jsonAnswer, problemResponses, Text, Time } from '../../server/schemas.ts';
import { rateLimitHeaders } from './request-limit.ts';
import { authorized } from './schemas.ts';

export interface TaskOptions {
  readonly createTask: CreateTask;
  readonly listTasks: ListTasks;
  readonly findTask: FindTask;
  readonly changeTask: ChangeTask;
  readonly deleteTask: DeleteTask;
}

/** The range of the database column. */
const params = Type.Object({ id: Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 }) });
const example = { id: 1, author: 'ann', text: 'Water the plants', pub_date: examples.time };
const text = Type.String({ ...Text, description: '1 to 200 characters' });
const Item = Type.Object(
  {
    id: count(),
    author: longText({ description: 'username' }),
    text: longText(),
    pub_date: Time,
  },
  { ...closed, title: 'Task', examples: [example] },
);
const Items = Type.Array(Item, { maxItems: 1_000, examples: [[example]] });
const NewTask = Type.Object({ text }, { ...closed, title: 'NewTask', examples: [{ text: example.text }] });
const TaskChange = Type.Object(
  { text: Type.Optional(text) },
  { ...closed, title: 'TaskChange', examples: [{ text: example.text }] },
);

const COLLECTION = '/api/v1/tasks/';
const ITEM = '/api/v1/tasks/:id/';

const itemResponse = {
  200: jsonAnswer('the task', Item, rateLimitHeaders),
  ...problemResponses(400, 401, 404, 429, 503),
};

/** Tasks of the logged-in user. Must be registered in a scope that requires an access token. */
export function taskRoutes(app: App, options: TaskOptions): void {
  listRoute(app, options);
  createRoute(app, options);
  getRoute(app, options);
  replaceRoute(app, options);
  changeRoute(app, options);
  deleteRoute(app, options);
}

function listRoute(app: App, { listTasks }: TaskOptions): void {
  app.get(
    COLLECTION,
    {
      schema: {
        ...authorized,
        operationId: 'listTasks',
        summary: 'List the newest 1,000 tasks of the user, newest first',
        response: {
          200: jsonAnswer('the tasks', Items, rateLimitHeaders),
          ...problemResponses(401, 404, 429, 503),
        },
      },
    },
    async (request) => (await listTasks(principalOf(request).userId)).map(toItem),
  );
}

function createRoute(app: App, { createTask }: TaskOptions): void {
  app.post(
    COLLECTION,
    {
      schema: {
        ...authorized,
        operationId: 'createTask',
        summary: 'Create a task',
        body: NewTask,
        response: {
          201: jsonAnswer('the task', Item, rateLimitHeaders),
          ...problemResponses(400, 401, 404, 429, 503),
        },
      },
    },
    async (request, reply) => {
      const task = await createTask(principalOf(request).userId, request.body.text);
      return reply.code(201).send(toItem(task));
    },
  );
}

function getRoute(app: App, { findTask }: TaskOptions): void {
  app.get(
    ITEM,
    {
      schema: {
        ...authorized,
        operationId: 'getTask',
        summary: 'Get a task of the user',
        params,
        response: itemResponse,
      },
    },
    async (request) => toItem(await findTask(principalOf(request).userId, request.params.id)),
  );
}

function replaceRoute(app: App, { changeTask }: TaskOptions): void {
  app.put(
    ITEM,
    {
      schema: {
        ...authorized,
        operationId: 'replaceTask',
        summary: 'Replace a task',
        params,
        body: NewTask,
        response: itemResponse,
      },
    },
    async (request) =>
      toItem(await changeTask(principalOf(request).userId, request.params.id, request.body.text)),
  );
}

function changeRoute(app: App, { findTask, changeTask }: TaskOptions): void {
  app.patch(
    ITEM,
    {
      schema: {
        ...authorized,
        operationId: 'changeTask',
        summary: 'Change the text of a task',
        params,
        body: TaskChange,
        response: itemResponse,
      },
    },
    async (request) => {
      const { userId } = principalOf(request);
      const { id } = request.params;
      const { text } = request.body;
      return toItem(text === undefined ? await findTask(userId, id) : await changeTask(userId, id, text));
    },
  );
}

function deleteRoute(app: App, { deleteTask }: TaskOptions): void {
  app.delete(
    ITEM,
    {
      schema: {
        ...authorized,
        operationId: 'deleteTask',
        summary: 'Delete a task',
        params,
        response: {
          204: emptyAnswer('done', rateLimitHeaders),
          ...problemResponses(400, 401, 404, 429, 503),
        },
      },
    },
    async (request, reply) => {
      await deleteTask(principalOf(request).userId, request.params.id);
      return reply.code(204).send(null);
    },
  );
}

function toItem({ id, author, text, publishedAt }: Task): Static<typeof Item> {
  return { id, author, text, pub_date: new Date(publishedAt).toISOString() };
}

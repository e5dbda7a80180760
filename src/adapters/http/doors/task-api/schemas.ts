const TAGS = ['task-api'];

/** All of these are told apart by the content type, and hold the same members. */
const consumes = ['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data'];

/** Of a route for anyone. */
export const anyones = { tags: TAGS, consumes, security: [] };

/** Of a route that needs an access token. */
export const authorized = { tags: TAGS, consumes, security: [{ token: [] }, { bearer: [] }] };

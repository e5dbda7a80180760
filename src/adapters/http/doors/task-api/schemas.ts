const TAGS = ['task-api'];

/** The content type selects the parser. All types hold the same members. */
const consumes = ['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data'];

/** For a route without authentication. */
export const unauthenticated = { tags: TAGS, consumes, security: [] };

/** For a route that requires an access token. */
export const authorized = { tags: TAGS, consumes, security: [{ token: [] }, { bearer: [] }] };

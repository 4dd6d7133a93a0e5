/** The ids and secrets that this Azure makes up: products take them from here, never from node:crypto. */
export { randomBytes, randomUUID } from 'node:crypto';

/** GET /openapi.json */
import { apiFunction } from './lib/api.ts';
import { openApiDocument } from './lib/openapi-document.ts';

export const handler = apiFunction({
  'GET /openapi.json': () => Promise.resolve({ status: 200, body: openApiDocument() }),
});

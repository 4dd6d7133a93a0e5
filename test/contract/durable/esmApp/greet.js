import { app } from '@azure/functions';

app.http('greet', {
  authLevel: 'anonymous',
  methods: ['GET'],
  route: 'greet/{name}',
  handler: (request) => ({ body: `Hello, ${request.params.name}` }),
});

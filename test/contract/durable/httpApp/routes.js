const { app } = require('@azure/functions');

/** Each answers with its own name and the route values that it got. */
const route = (name, path, methods) =>
  app.http(name, {
    authLevel: 'anonymous',
    route: path,
    ...(methods && { methods }),
    handler: (request, context) => ({ jsonBody: { function: context.functionName, params: request.params } }),
  });

route('anything', 'items/{*rest}');
route('item', 'items/{name}');
route('numbered', 'items/{id:int:min(1)}');
route('fixed', 'items/new');
route('root', '/');
route('removed', 'items/{name}', ['DELETE']);
route('headed', 'headed', ['HEAD']);
route('setting', '%AREA%/{id:guid?}');

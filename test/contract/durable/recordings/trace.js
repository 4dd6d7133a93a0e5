/** Stands before the recorded app as its `main`, and writes down what the host registers, sends to it and gets from it. */
const core = require('@azure/functions-core');
const { appendFileSync } = require('node:fs');

const write = (line) => appendFileSync(process.env.WORKER_TRACE, `${JSON.stringify(line)}\n`);

const { registerFunction, setProgrammingModel } = core;
core.registerFunction = (metadata, callback) => {
  write({ dir: 'registered', fn: metadata.name, body: metadata });
  return registerFunction(metadata, callback);
};
core.setProgrammingModel = (model) => {
  const { getInvocationModel } = model;
  model.getInvocationModel = (context) => traced(context, getInvocationModel.call(model, context));
  setProgrammingModel(model);
};

function traced({ request, metadata }, invocation) {
  const say = (dir, body) => write({ dir, fn: metadata.name, invocationId: request.invocationId, body });
  const { inputData, triggerMetadata } = request;
  say('in', { inputData, triggerMetadata });
  const { invokeFunction, getResponse } = invocation;
  invocation.invokeFunction = async (...args) => {
    try {
      return await invokeFunction.apply(invocation, args);
    } catch (error) {
      say('throw', error.message);
      throw error;
    }
  };
  invocation.getResponse = async (...args) => {
    const response = await getResponse.apply(invocation, args);
    say('out', response);
    return response;
  };
  return invocation;
}

require('./index.js');

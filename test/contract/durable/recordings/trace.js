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
  // The host hands an orchestrator's trigger and answer over as the objects they are; the worker would as JSON.
  const isOrchestration = Object.values(metadata.bindings).some(({ type }) => type === 'orchestrationTrigger');
  const { invokeFunction, getResponse } = invocation;
  invocation.invokeFunction = async (context, inputs, callback) => {
    const given = isOrchestration && [{ ...request.inputData[0], data: { string: JSON.stringify(inputs[0]) } }];
    say('in', { inputData: given || request.inputData, triggerMetadata: context.triggerMetadata });
    try {
      const result = await invokeFunction.call(invocation, context, inputs, callback);
      if (isOrchestration) say('out', { outputData: [], returnValue: { json: JSON.stringify(result) } });
      return result;
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

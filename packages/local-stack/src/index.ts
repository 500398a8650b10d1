/** The whole stack on one machine: servers, schema and data, and the commands that run on them. */
export { startServers, type Servers, type ServerPlace, type StartServersOptions } from './servers.ts';
export { type FlightStack, type FlightStackOptions, withFlightStack } from './stack.ts';
export { bundleFunctions } from './bundle/bundle.ts';
export { functionNames, projectBundles } from './bundle/project.ts';
export { LocalLambda } from './lambda/local-lambda.ts';

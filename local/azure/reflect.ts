/**
 * What `@peculiar/x509` asks of a `Reflect` polyfill when it is loaded. Its injector only looks whether metadata exists;
 * nothing here is injected by constructor types, so there is none to keep.
 */
const noMetadata = {
  getMetadata: () => undefined,
  getOwnMetadata: () => undefined,
  hasOwnMetadata: () => false,
  defineMetadata: () => undefined,
};

if (!('getMetadata' in Reflect)) Object.assign(Reflect, noMetadata);

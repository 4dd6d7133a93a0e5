/** Tests import TypeScript sources; swc only strips types, `tsc` checks them (the first step of `npm test`). */
module.exports = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2023' } }] },
  testTimeout: 60_000,
  maxWorkers: 2,
};

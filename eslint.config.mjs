import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const nonDeterministic = [
  ['CallExpression[callee.object.name="Date"][callee.property.name="now"]', 'Use context.df.currentUtcDateTime.'],
  ['NewExpression[callee.name="Date"][arguments.length=0]', 'Use context.df.currentUtcDateTime.'],
  ['CallExpression[callee.object.name="Math"][callee.property.name="random"]', 'Replay would see another number.'],
  ['AwaitExpression', 'An orchestrator yields; it never awaits.'],
  ['ImportDeclaration[source.value=/^node:/]', 'No I/O here: replay would do it again.'],
].map(([selector, message]) => ({ selector, message }));

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'node_modules/',
      '.local/',
      'coverage/',
      'infra/.bicep/',
      'test/contract/durable/recordings/app/',
    ],
  },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      eqeqeq: 'error',
    },
  },
  {
    files: ['src/domain/**', 'src/orchestrations/**', 'src/entities/**'],
    rules: {
      'no-restricted-syntax': ['error', ...nonDeterministic],
      'no-restricted-globals': ['error', 'process', 'fetch', 'setTimeout', 'setInterval', 'setImmediate', 'crypto'],
    },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    languageOptions: { globals: { module: 'writable', require: 'readonly', process: 'readonly', console: 'readonly' } },
  },
);

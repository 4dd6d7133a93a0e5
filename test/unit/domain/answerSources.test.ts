import { expect, test } from '@jest/globals';
import { answerSources } from '../../../src/domain/answerSources';
import { script } from '../../support/requests';

const answers = { tenantId: 'the-tenant', usesClientId: 'Y', clientId: 'the-client', subscriptionCount: '7' };
const from = (known: Parameters<typeof answerSources>[0]) => answerSources(known).map((row) => row.from);

test('each prompt has its answer or the place of it', () => {
  const clientSecretUri = 'https://vault/secrets/client/1';
  expect(answerSources({ script, clientSecretUri, answers })).toHaveLength(script.prompts.length);
  expect(from({ script, clientSecretUri, answers })).toEqual([
    'Y',
    'Y',
    'the console shows it',
    'the console shows it; it is good for an hour',
    'the-tenant',
    'the-client',
    `Key Vault: \`az keyvault secret show --id ${clientSecretUri} --query value --output tsv\``,
    '7',
  ]);
});

test('a person reads what is asked, and no pattern', () => {
  const asked = answerSources({ script, answers }).map(({ prompt }) => prompt);
  expect(asked).toContain('PIN');
  expect(asked.join('')).not.toMatch(/[\\[\]*$^]/);
});

test('what a managed identity is not asked for is left out', () => {
  const { clientId: _, ...rest } = answers;
  expect(answerSources({ script, answers: rest })).toHaveLength(script.prompts.length - 2);
});

import { expect, test } from '@jest/globals';
import { Conversation } from '../../../src/appliance/conversation';
import type { Answers } from '../../../src/appliance/port';
import { script } from '../../support/requests';

const privateKey = '-----BEGIN KEY-----\nq83vEjRWeJCrze8SNFZ4kA\nshort\n-----END KEY-----\n';
const answers: Answers = {
  email: 'admin@contoso.example',
  pin: '123456',
  tenantId: 'contoso.example',
  usesClientId: 'N',
  clientId: 'the-client',
  clientSecret: '123456~secret',
  subscriptionCount: '7',
};
const converse = (): Conversation => new Conversation(script, answers, [privateKey]);

function replyTo(...chunks: string[]): unknown {
  const conversation = converse();
  for (const chunk of chunks) conversation.hear(chunk);
  return conversation.reply();
}

test.each([
  ['Email address shown by the CloudKnox console: ', 'admin@contoso.example'],
  ['Enter the email address from the CloudKnox console which generated the PIN: ', 'admin@contoso.example'],
  ['Enter the PIN: ', '123456'],
  ['Azure AD tenant name or tenantID: ', 'contoso.example'],
  ['Configure ClientID and Secret (Y/N): ', 'N'],
  ['Configure ClientID and Secret, not for Azure MSI or if previously configured (Y/N): ? ', 'N'],
  ['This Sentry is already configured. Configure it again? (Y/N): ', 'Y'],
  ['Azure application client ID: ', 'the-client'],
  ['Azure application password: ', '123456~secret'],
  ['Enter number of subs to add (0-50): ', '7'],
])('the profile knows "%s"', (prompt, answer) => {
  expect(replyTo(`Welcome: \r\n${prompt}`)).toEqual({ send: `${answer}\n` });
});

test('colours, carriage returns and chunks make no difference', () => {
  expect(replyTo('\u001b[1mP', 'IN\u001b', '[0m: ', '\u001b[K')).toEqual({ send: '123456\n' });
});

test('a prompt is the end of the output, and not a line before it', () => {
  expect(replyTo('PIN: \r\nchecking')).toBeUndefined();
  expect(replyTo('PIN: \r\n')).toBeUndefined();
});

test('a prompt that was answered is not answered again until it is asked again', () => {
  const conversation = converse();
  conversation.hear('Azure AD tenant: ');
  expect(conversation.reply()).toEqual({ send: 'contoso.example\n' });
  expect(conversation.reply()).toBeUndefined();
  conversation.hear('\r\nAzure AD tenant: ');
  expect(conversation.reply()).toEqual({ send: 'contoso.example\n' });
});

test('asked again and again, a prompt is given up after three rejections', () => {
  const conversation = converse();
  for (let asked = 1; asked <= 4; asked++) {
    conversation.hear('Enter number of subs to add (0-50): ');
    expect(conversation.reply()).toEqual({ send: '7\n' });
  }
  conversation.hear('Enter number of subs to add (0-50): ');
  expect(conversation.reply()).toMatchObject({
    end: { kind: 'failed', reason: expect.stringMatching(/^the script asks again and again: Enter number/) },
  });
});

test.each([
  ['', { kind: 'failed', reason: 'the script asks again: PIN: ' }],
  ['The PIN does not match.\r\n', { kind: 'wrongPin' }],
])('a secret is not offered twice: "%s"', (complaint, end) => {
  const conversation = converse();
  conversation.hear('PIN: ');
  expect(conversation.reply()).toEqual({ send: '123456\n' });
  conversation.hear(`${complaint}PIN: `);
  expect(conversation.reply()).toEqual({ end });
});

test.each([
  ['Proxy [none]: ', { kind: 'unknownPrompt', prompt: 'Proxy [none]:' }],
  ['Use 123456 again?', { kind: 'unknownPrompt', prompt: 'Use ••• again?' }],
  ['Verifying access to Microsoft Graph ... ', undefined],
  ['Done.\r\n', undefined],
])('a long silence after "%s"', (output, verdict) => {
  const conversation = converse();
  conversation.hear(output);
  expect(conversation.silence()).toEqual(verdict);
});

test.each([
  ['Configuration complete.\r\n', 0, { kind: 'configured' }],
  ['Configuration complete.\r\n', undefined, { kind: 'configured' }],
  ['The PIN has expired.\r\n', 1, { kind: 'wrongPin' }],
  ['a\r\nConfiguration failed: no 123456.\r\nb\r\n', 1, { kind: 'failed', reason: 'Configuration failed: no •••.' }],
  ['Segmentation fault', 139, { kind: 'failed', reason: 'the script ended with 139 and did not say how it went' }],
  ['Verifying', undefined, { kind: 'cut' }],
])('the output %j with exit status %s', (output, exit, verdict) => {
  const conversation = converse();
  conversation.hear(output);
  expect(conversation.over(exit)).toEqual(verdict);
});

test('secrets are blotted out wherever they stand, the longer ones first', () => {
  const conversation = converse();
  conversation.hear(`a 123\u001b[0m456 b 123456~secret c\r\n${privateKey.replaceAll('\n', '\r\n')}`);
  expect(conversation.transcript()).toBe('a ••• b ••• c\n•••\n•••\nshort\n•••\n');
});

test('a transcript has at most 8 KB, keeps its end, and starts with a whole character', () => {
  const conversation = converse();
  conversation.hear(`${'€'.repeat(10_000)}the end`);
  const transcript = conversation.transcript();
  expect(Buffer.byteLength(transcript)).toBeLessThanOrEqual(8 * 1024);
  expect(transcript).toMatch(/^€+the end$/);
});

/** What is wrong with a profile is said at the app's start: file, pointer and reason, everything at once. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { readProfiles } from '../../src/profiles';

const own = join(__dirname, '..', '..', 'profiles');
const read = (id: string) => z.looseObject({}).parse(JSON.parse(readFileSync(join(own, `${id}.json`), 'utf8')));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'profiles-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (file: string, body: unknown): void =>
  writeFileSync(join(folder, file), typeof body === 'string' ? body : JSON.stringify(body));
const complaint = (): string => {
  try {
    readProfiles(folder);
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : '';
  }
};
const reader = { name: 'Reader', id: 'acdd72a7-3385-48ef-bd42-f606fba81ae7' };
const least = { id: 'mine', title: 'Mine', maxSubscriptions: 10, roles: { always: [reader] }, graphPermissions: [] };

const guideSchema = z.looseObject({
  appliance: z.looseObject({
    vm: z.looseObject({}),
    image: z.looseObject({}),
    script: z.looseObject({ prompts: z.array(z.looseObject({ answer: z.string() })), unattended: z.looseObject({}) }),
  }),
});
const { appliance, ...rest } = guideSchema.parse(read('cloudknox-sentry'));
const { vm, image, script } = appliance;
/** The guide's profile with one part of its appliance or script replaced. */
const made = (changes: object): object => ({ ...rest, id: 'mine', appliance: { ...appliance, ...changes } });
const guide = (changes: object): object => made({ script: { ...script, ...changes } });
const unattended = (changes: object): object => guide({ unattended: { ...script.unattended, ...changes } });
const configured = { match: 'complete', means: 'configured' };

test('the app’s own profiles are whole, and one of them has no appliance', () => {
  const profiles = readProfiles();
  expect(Object.keys(profiles).sort()).toEqual(['agentless-reader', 'cloudknox-sentry']);
  expect(profiles['agentless-reader']).not.toHaveProperty('appliance');
});

test('a profile needs no names', () => {
  write('mine.json', least);
  expect(readProfiles(folder)['mine']?.names).toMatchObject({ application: '{name}-app', virtualMachine: '{name}-vm' });
});

test.each<readonly [string, unknown, string]>([
  ['JSON that is none', '{ "id": "mine", }', ': is not JSON: '],
  ['another type', '[]', ': is not of type object'],
  ['a missing field', { ...least, title: undefined }, '/title: is missing'],
  ['an unknown field', { ...least, colour: 1 }, '/colour: is not a field of a profile'],
  ['an empty text', { ...least, title: '' }, '/title: is empty'],
  ['another id than its file’s', { ...least, id: 'other' }, "/id: is 'other', and its file is called 'mine.json'"],
  ['no role', { ...least, roles: { always: [] } }, '/roles/always: is empty'],
  [
    'a role id that is none',
    { ...least, roles: { always: [{ ...reader, id: 'Reader' }] } },
    '/roles/always/0/id: is not a GUID',
  ],
  [
    'a role listed twice',
    { ...least, roles: { always: [reader, reader] } },
    '/roles/always/1/name: is listed twice: Reader',
  ],
  [
    'a role that the controller has again',
    { ...least, roles: { always: [reader], controller: [{ ...reader, name: 'R' }] } },
    '/roles/controller/0/id: is listed twice',
  ],
  [
    'a permission listed twice',
    {
      ...least,
      graphPermissions: [
        { value: 'A', id: reader.id },
        { value: 'B', id: reader.id },
      ],
    },
    '/graphPermissions/1/id: is listed twice',
  ],
  ['more subscriptions than fit', { ...least, maxSubscriptions: 51 }, '/maxSubscriptions: is more than 50'],
  [
    'a prompt that is no pattern',
    guide({ prompts: [{ match: '(', label: 'It', answer: 'email' }] }),
    '/appliance/script/prompts/0/match: is not a regular expression',
  ],
  [
    'a prompt that fits everything',
    guide({ prompts: [{ match: '.*', label: 'It', answer: 'email' }] }),
    '/appliance/script/prompts/0/match: matches an empty text',
  ],
  [
    'a prompt with an answer that is none',
    guide({ prompts: [{ match: 'Name', label: 'It', answer: 'name' }] }),
    '/appliance/script/prompts/0/answer: is not email or pin or',
  ],
  [
    'a prompt listed twice',
    guide({
      prompts: [
        { match: 'a', label: 'It', answer: 'yes' },
        { match: 'a', label: 'It', answer: 'no' },
      ],
    }),
    '/appliance/script/prompts/1/match: is listed twice: a',
  ],
  [
    'a secret that is not said to be one',
    guide({ prompts: [{ match: 'PIN', label: 'It', answer: 'pin' }] }),
    "/appliance/script/prompts/0/secret: is not true, and 'pin' is a secret",
  ],
  [
    'a script that never ends well',
    guide({ endings: [{ match: 'failed', means: 'failed' }] }),
    "/appliance/script/endings: has none that means 'configured'",
  ],
  [
    'an ending that is no pattern',
    guide({ endings: [configured, { match: '[', means: 'failed' }] }),
    '/appliance/script/endings/1/match: is not a regular expression',
  ],
])('%s is named', (_what, body, fault) => {
  write('mine.json', body);
  expect(complaint()).toContain(`profiles/mine.json ${fault}`);
});

test.each<readonly [string, object, string]>([
  [
    'an administrator whom Azure refuses',
    made({ vm: { ...vm, adminUsername: 'root' } }),
    '/appliance/vm/adminUsername: is a name that Azure refuses',
  ],
  [
    'an administrator whom Linux refuses',
    made({ vm: { ...vm, adminUsername: 'Bad Name!' } }),
    '/appliance/vm/adminUsername: is not a Linux user name',
  ],
  [
    'a version that no image has',
    made({ image: { ...image, version: 'newest' } }),
    "/appliance/image/version: is neither 'latest' nor three numbers",
  ],
  ['a port listed twice', made({ ports: [22, 22] }), '/appliance/ports/1: The port is listed twice'],
  [
    'a role listed twice, in other letters',
    { ...least, roles: { always: [reader, { name: 'reader', id: '39bc4728-0917-49c7-9d2c-d95423bc2eb4' }] } },
    '/roles/always/1/name: is listed twice: reader',
  ],
  ['no command to run unattended', unattended({ command: '' }), '/appliance/script/unattended/command: is empty'],
  [
    'no PIN among the unattended answers',
    unattended({ answers: ['email', 'tenantId'] }),
    '/appliance/script/unattended/answers: lacks pin, which a prompt asks for',
  ],
  [
    'no prompt for what is answered unattended',
    guide({ prompts: [] }),
    '/appliance/script/prompts: has none for pin, which unattended.answers holds',
  ],
  [
    'a wrong PIN that is never asked for',
    guide({ prompts: [], unattended: undefined }),
    "/appliance/script/endings/0/means: is 'wrongPin', and no prompt is answered with pin",
  ],
  [
    'a prompt that any letter is',
    guide({ prompts: [{ match: '.', label: 'It', answer: 'yes' }] }),
    '/appliance/script/prompts/0/match: matches any text',
  ],
  [
    'an ending that any letter is',
    guide({ endings: [{ match: '[^]', means: 'configured' }] }),
    '/appliance/script/endings/0/match: matches any text',
  ],
])('bug: %s was a profile for the app, and failed in the run', (_what, body, fault) => {
  write('mine.json', body);
  expect(complaint()).toContain(`profiles/mine.json ${fault}`);
});

test('what is unusual and can work is no fault', () => {
  const prompts = [{ match: 'already configured', label: 'Again?', answer: 'no' }];
  const endings = [{ match: 'already configured', means: 'configured' }];
  write('mine.json', made({ ports: [2222, 443], script: { ...script, prompts, endings, unattended: undefined } }));
  expect(complaint()).toBe('');
});

describe('a template', () => {
  test.each<readonly [string, object, string]>([
    [
      'with an unknown placeholder',
      { application: '{deployment}' },
      '/names/application: holds a placeholder other than',
    ],
    ['made of itself', { virtualMachine: '{vm}-2' }, '/names/virtualMachine: cannot be made of itself'],
    ['numbered and shared', { virtualNetwork: 'net-{n}' }, '/names/virtualNetwork: is shared by all Sentries'],
    [
      'that Azure does not take',
      { virtualMachine: 'my_vm' },
      "/names/virtualMachine: makes 'my_vm', which Azure does not take",
    ],
    ['too long with the longest deployment', { virtualMachine: '{name}-{name}' }, '/names/virtualMachine: makes '],
    ['too short', { userAssignedIdentity: '{n}' }, "/names/userAssignedIdentity: makes '1', which Azure does not take"],
    ['of a rule without its port', { inboundRule: 'Ssh' }, '/names/inboundRule: has to hold {port} once'],
    ['of a rule that Azure does not take', { inboundRule: 'Port {port}' }, "/names/inboundRule: makes 'Port 65535'"],
    [
      'that gives Sentry 1’s window the address of the way out',
      { egressAddress: '{name}-ip', windowAddress: '{name}-ip' },
      "/names/windowAddress: makes 'dep-ip', and so does names.egressAddress",
    ],
    [
      'that gives Sentry 2’s window the address of the way out',
      { egressAddress: '{name}-IP-2', windowAddress: '{name}-ip' },
      "/names/windowAddress: makes 'dep-ip-2', and so does",
    ],
  ])('%s is refused', (_what, names, fault) => {
    write('mine.json', { ...least, names });
    expect(complaint()).toContain(`profiles/mine.json ${fault}`);
    expect(complaint().split(fault)).toHaveLength(2);
  });
});

test('all faults of all files are told at once, and a sound file does not hide them', () => {
  write('mine.json', { ...least, id: 'x', roles: { always: [reader, reader] } });
  write('sound.json', { ...least, id: 'sound' });
  write('torn.json', '{');
  const told = complaint();
  for (const part of [
    'docs/profiles.md',
    'mine.json /id',
    'mine.json /roles/always/1/name',
    'mine.json /roles/always/1/id',
    'torn.json : is not JSON',
  ]) {
    expect(told).toContain(part);
  }
  expect(told.split('\n')).toHaveLength(1);
});

test('pointers escape what RFC 6901 says', () => {
  write('mine.json', { ...least, names: { 'a/b~c': 'x' } });
  expect(complaint()).toContain('profiles/mine.json /names/a~1b~0c: is not a field of a profile');
});

test('a folder without a profile is no app', () => {
  expect(complaint()).toContain('profiles/ holds no profile');
});

import { z } from 'zod';

const parameter = z.looseObject({
  type: z.string(),
  defaultValue: z.unknown().optional(),
  allowedValues: z.array(z.unknown()).optional(),
});

/** A policy definition's properties, as far as they have a meaning here. */
export const definitionProperties = z.looseObject({
  displayName: z.string().max(128).default(''),
  description: z.string().optional(),
  mode: z.string().default('All'),
  policyRule: z.looseObject({ if: z.unknown(), then: z.looseObject({ effect: z.string() }) }),
  parameters: z.record(z.string(), parameter).default({}),
});
export type DefinitionProperties = z.infer<typeof definitionProperties>;

export interface Definition {
  readonly id: string;
  readonly name: string;
  readonly policyType: 'BuiltIn' | 'Custom';
  readonly properties: DefinitionProperties;
}

const RESOURCE_GROUPS = 'Microsoft.Resources/subscriptions/resourceGroups';
const TAG = "[concat('tags[', parameters('tagName'), ']')]";
const text = { type: 'String' } as const;
const texts = { type: 'Array' } as const;
const tagName = { tagName: text };
const tagNameAndValue = { tagName: text, tagValue: text };
const isGroup = { field: 'type', equals: RESOURCE_GROUPS };
const deny = { effect: 'deny' };
const inherited = "[resourceGroup().tags[parameters('tagName')]]";
const contributor = ['/providers/microsoft.authorization/roleDefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c'];
const modify = (operation: 'add' | 'addOrReplace', value: string) => ({
  effect: 'modify',
  details: { roleDefinitionIds: contributor, operations: [{ operation, field: TAG, value }] },
});
const append = { effect: 'append', details: [{ field: TAG, value: "[parameters('tagValue')]" }] };

type Row = readonly [
  name: string,
  displayName: string,
  mode: 'Indexed' | 'All',
  parameters: DefinitionProperties['parameters'],
  condition: unknown,
  then: DefinitionProperties['policyRule']['then'],
];

/** Names, parameters and rules as Azure's own built-in definitions have them. */
const rows: readonly Row[] = [
  [
    'e56962a6-4747-49cd-b67b-bf8b01975c4c',
    'Allowed locations',
    'Indexed',
    { listOfAllowedLocations: texts },
    {
      allOf: [
        { field: 'location', notIn: "[parameters('listOfAllowedLocations')]" },
        { field: 'location', notEquals: 'global' },
      ],
    },
    deny,
  ],
  [
    'e765b5de-1225-4ba3-bd56-1ac6695af988',
    'Allowed locations for resource groups',
    'All',
    { listOfAllowedLocations: texts },
    { allOf: [isGroup, { field: 'location', notIn: "[parameters('listOfAllowedLocations')]" }] },
    deny,
  ],
  [
    '871b6d14-10aa-478d-b590-94f262ecfa99',
    'Require a tag on resources',
    'Indexed',
    tagName,
    { field: TAG, exists: 'false' },
    deny,
  ],
  [
    '1e30110a-5ceb-460c-a204-c1c3969c6d62',
    'Require a tag and its value on resources',
    'Indexed',
    tagNameAndValue,
    { not: { field: TAG, equals: "[parameters('tagValue')]" } },
    deny,
  ],
  [
    '96670d01-0a4d-4649-9c89-2d3abc0a5025',
    'Require a tag on resource groups',
    'All',
    tagName,
    { allOf: [isGroup, { field: TAG, exists: 'false' }] },
    deny,
  ],
  [
    '8ce3da23-7156-49e4-b145-24f95f9dcb46',
    'Require a tag and its value on resource groups',
    'All',
    tagNameAndValue,
    { allOf: [isGroup, { not: { field: TAG, equals: "[parameters('tagValue')]" } }] },
    deny,
  ],
  [
    '6c112d4e-5bc7-47ae-a041-ea2d9dccd749',
    'Not allowed resource types',
    'All',
    {
      listOfResourceTypesNotAllowed: texts,
      effect: { type: 'String', allowedValues: ['Audit', 'Deny', 'Disabled'], defaultValue: 'Deny' },
    },
    { field: 'type', in: "[parameters('listOfResourceTypesNotAllowed')]" },
    { effect: "[parameters('effect')]" },
  ],
  [
    'a08ec900-254a-4555-9bf5-e42af04b5c5c',
    'Allowed resource types',
    'Indexed',
    { listOfResourceTypesAllowed: texts },
    { not: { field: 'type', in: "[parameters('listOfResourceTypesAllowed')]" } },
    deny,
  ],
  [
    '83a86a26-fd1f-447c-b59d-e51f44264114',
    'Network interfaces should not have public IPs',
    'All',
    {},
    {
      allOf: [
        { field: 'type', equals: 'Microsoft.Network/networkInterfaces' },
        {
          not: {
            field: 'Microsoft.Network/networkInterfaces/ipconfigurations[*].publicIpAddress.id',
            notLike: '*',
          },
        },
      ],
    },
    deny,
  ],
  [
    'cccc23c7-8427-4f53-ad12-b6a63eb452b3',
    'Allowed virtual machine size SKUs',
    'Indexed',
    { listOfAllowedSKUs: texts },
    {
      allOf: [
        { field: 'type', equals: 'Microsoft.Compute/virtualMachines' },
        { not: { field: 'Microsoft.Compute/virtualMachines/sku.name', in: "[parameters('listOfAllowedSKUs')]" } },
      ],
    },
    deny,
  ],
  [
    '4f9dc7db-30c1-420c-b61a-e1d640128d26',
    'Add a tag to resources',
    'Indexed',
    tagNameAndValue,
    { field: TAG, exists: 'false' },
    modify('add', "[parameters('tagValue')]"),
  ],
  [
    '5ffd78d9-436d-4b41-a421-5baa819e3008',
    'Add or replace a tag on resources',
    'Indexed',
    tagNameAndValue,
    { field: TAG, notEquals: "[parameters('tagValue')]" },
    modify('addOrReplace', "[parameters('tagValue')]"),
  ],
  [
    '726aca4c-86e9-4b04-b0c5-073027359532',
    'Add a tag to resource groups',
    'All',
    tagNameAndValue,
    { allOf: [isGroup, { field: TAG, exists: 'false' }] },
    modify('add', "[parameters('tagValue')]"),
  ],
  [
    'cd3aa116-8754-49c9-a813-ad46512ece54',
    'Inherit a tag from the resource group',
    'Indexed',
    tagName,
    {
      allOf: [
        { field: TAG, notEquals: inherited },
        { value: inherited, notEquals: '' },
      ],
    },
    modify('addOrReplace', inherited),
  ],
  [
    'ea3f2387-9b95-492a-a190-fcdc54f7b070',
    'Inherit a tag from the resource group if missing',
    'Indexed',
    tagName,
    {
      allOf: [
        { field: TAG, exists: 'false' },
        { value: inherited, notEquals: '' },
      ],
    },
    modify('add', inherited),
  ],
  [
    '2a0e14a6-b0a6-4fab-991a-187a4f81c498',
    'Append a tag and its value to resources',
    'Indexed',
    tagNameAndValue,
    { field: TAG, exists: 'false' },
    append,
  ],
  [
    '49c88fc8-6fd1-46fd-a676-f12d1d3a4c71',
    'Append a tag and its value to resource groups',
    'All',
    tagNameAndValue,
    { allOf: [isGroup, { field: TAG, exists: 'false' }] },
    append,
  ],
];

export const builtInDefinitions: readonly Definition[] = rows.map(
  ([name, displayName, mode, parameters, condition, then]) => ({
    id: `/providers/Microsoft.Authorization/policyDefinitions/${name}`,
    name,
    policyType: 'BuiltIn',
    properties: { displayName, mode, parameters, policyRule: { if: condition, then } },
  }),
);

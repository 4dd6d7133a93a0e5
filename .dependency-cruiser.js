/**
 * Who may import what: the table of docs/architecture.md. test/architecture plants violations and sees them caught.
 *
 * `from` may import its own kind, `own` of ours, and no package but `packages`.
 */
const may = (name, from, own, packages) => [
  {
    name: `${name}: ours`,
    severity: 'error',
    from,
    to: { path: '^(src|local|cli|test|bench|web)/', pathNot: own },
  },
  ...(packages === undefined
    ? []
    : [
        {
          name: `${name}: packages`,
          severity: 'error',
          from,
          to: { path: 'node_modules/', pathNot: `node_modules/(${packages.join('|')})(/|$)` },
        },
        ...(packages.includes('node:')
          ? []
          : [{ name: `${name}: node`, severity: 'error', from, to: { dependencyTypes: ['core'] } }]),
      ]),
];

module.exports = {
  forbidden: [
    { name: 'no cycles', severity: 'error', from: {}, to: { circular: true } },
    ...may('domain', { path: '^src/domain/' }, ['^src/domain/'], ['zod', 'ipaddr.js']),
    ...may(
      'contracts',
      { path: '^src/activities/contracts\\.ts$' },
      ['^src/domain/', '^src/activities/contracts\\.ts$'],
      ['durable-functions'],
    ),
    ...may(
      'orchestrations and entities',
      { path: '^src/(orchestrations|entities)/' },
      ['^src/domain/', '^src/activities/contracts\\.ts$', '^src/(orchestrations|entities)/'],
      ['durable-functions'],
    ),
    ...may('ports', { path: '^src/(azure/ports|appliance/port)\\.ts$' }, ['^src/domain/'], []),
    ...may('azure adapters', { path: '^src/azure/', pathNot: '^src/azure/ports\\.ts$' }, [
      '^src/azure/',
      '^src/domain/',
      '^src/config\\.ts$',
    ]),
    ...may('appliance adapters', { path: '^src/appliance/', pathNot: '^src/appliance/port\\.ts$' }, [
      '^src/appliance/',
      '^src/domain/',
      '^src/config\\.ts$',
    ]),
    ...may('activities', { path: '^src/activities/', pathNot: '^src/activities/contracts\\.ts$' }, [
      '^src/activities/',
      '^src/domain/',
      '^src/(azure/ports|appliance/port)\\.ts$',
    ]),
    {
      name: 'activities: no SDK',
      severity: 'error',
      from: { path: '^src/activities/' },
      to: { path: `node_modules/(@azure/|@microsoft/)` },
    },
    ...may('status', { path: '^src/status/' }, ['^src/status/', '^src/domain/'], ['zod']),
    ...may('config', { path: '^src/config\\.ts$' }, [], ['zod']),
    ...may('composition', { path: '^src/composition\\.ts$' }, ['^src/(?!functions/)']),
    ...may('functions', { path: '^src/functions/' }, ['^src/']),
    ...may('local host', { path: '^local/host/' }, ['^local/(host/|clock\\.ts$)']),
    ...may('simulated Azure', { path: '^local/azure/' }, ['^local/(azure/|clock\\.ts$)']),
    ...may('check of shapes', { path: '^local/shapes/' }, ['^local/(shapes|azure)/']),
    ...may('simulated appliance', { path: '^local/appliance/' }, ['^local/(appliance/|clock\\.ts$)']),
    ...may('cli', { path: '^cli/' }, ['^cli/', '^src/domain/', '^src/status/']),
    ...may('web', { path: '^web/' }, ['^web/', '^src/domain/', '^src/status/']),
    {
      name: 'src stands alone',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(local|cli|web)/' },
    },
    {
      name: 'nobody imports tests',
      severity: 'error',
      from: { pathNot: '^(test|bench)/' },
      to: { path: '^(test|bench)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['require', 'node', 'types', 'import'],
    },
  },
};

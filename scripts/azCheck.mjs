/**
 * `npm run check:az`: real commands of a real Azure CLI against a simulated Azure of its own, one after the other.
 * Where there is no working `az` it is skipped, loudly: the recorded requests of the contract tests stand in then.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { missingCli, prepareCli, runningSimulator } from './az.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const platform = '5b000000-0000-4000-8000-000000000000';
const GRAPH = '00000003-0000-0000-c000-000000000000';
const DIRECTORY_READ_ALL = '7ab1d382-f21e-4acd-a863-ba3e13f7da61';
const group = `/subscriptions/${platform}/resourceGroups/rg1`;
const vault = ['--vault-name', 'az-check-vault', '--name', 's1'];
const terms = ['--publisher', 'cloudknox', '--offer', 'cloudknox_sentry_image', '--plan', 'sentry_v1_byol0'];

/** A command, what its answer has to be (JSON by `--query`), and the name that later commands know its answer by. */
const commands = [
  ['account set --subscription platform-security'],
  ['account show --query id', platform],
  ['account list --query length(@)', 6],
  ['account management-group list --query length(@)', 4],
  ['group create -n rg1 -l westeurope --query properties.provisioningState', 'Succeeded'],
  ['network nsg create -g rg1 -n nsg1 -l westeurope --query length(NewNSG.defaultSecurityRules)', 6],
  [
    'network nsg rule create -g rg1 --nsg-name nsg1 -n https --priority 100 --access Allow --protocol Tcp --destination-port-ranges 443 --source-address-prefixes Internet --query provisioningState',
    'Succeeded',
  ],
  ['network nsg rule list -g rg1 --nsg-name nsg1 --query [].name', ['https']],
  ['network nsg rule delete -g rg1 --nsg-name nsg1 -n https'],
  [
    'network vnet create -g rg1 -n vnet1 --address-prefix 10.0.0.0/16 --subnet-name s1 --subnet-prefix 10.0.0.0/24 --query newVNet.subnets[0].name',
    's1',
  ],
  ['network public-ip create -g rg1 -n ip1 --sku Standard --query publicIp.provisioningState', 'Succeeded'],
  ['network nic create -g rg1 -n nic1 --vnet-name vnet1 --subnet s1 --query NewNIC.provisioningState', 'Succeeded'],
  ['identity create -g rg1 -n id1 -l westeurope --query principalId', /^[0-9a-f-]{36}$/, 'identity'],
  [
    `role assignment create --assignee-object-id {identity} --assignee-principal-type ServicePrincipal --role Reader --scope ${group} --query principalType`,
    'ServicePrincipal',
  ],
  [`role assignment list --scope ${group} --query [].roleDefinitionName`, ['Reader']],
  [`role assignment delete --assignee {identity} --role Reader --scope ${group}`],
  ['vm image list-publishers -l westeurope --query [].name', ['Canonical', 'cloudknox']],
  ['vm image list --all --publisher cloudknox -l westeurope --query [].version', ['1.0.0', '1.0.1']],
  [
    'vm image show --urn cloudknox:cloudknox_sentry_image:sentry_v1_byol0:1.0.1 -l westeurope --query plan.product',
    'cloudknox_sentry_image',
  ],
  [['vm image terms show', ...terms, '--query accepted'], false],
  [['vm image terms accept', ...terms, '--query accepted'], true],
  [['vm image terms cancel', ...terms, '--query accepted'], false],
  ['vm list-usage -l westeurope --query length(@)', 5],
  ['vm list -g rg1', []],
  ['ad app create --display-name app1 --query appId', /^[0-9a-f-]{36}$/, 'app'],
  ['ad app credential reset --id {app} --display-name c1 --years 1 --query password', /^.{3}8Q~/, 'secret'],
  ['ad sp create --id {app} --query servicePrincipalType', 'Application'],
  ['ad sp show --id {app} --query displayName', 'app1'],
  [`ad app permission add --id {app} --api ${GRAPH} --api-permissions ${DIRECTORY_READ_ALL}=Role`],
  ['ad app permission list --id {app} --query [].resourceAppId', [GRAPH]],
  // What `az ad app permission admin-consent` sends; by itself it refuses any cloud but Microsoft's.
  ['rest --method post --url {url}/api/RegisteredApplications/{app}/Consent?onBehalfOfAll=true --resource {url}'],
  [
    "rest --method get --url {url}/v1.0/servicePrincipals(appId='{app}')/appRoleAssignments --resource {url} --query value[].appRoleId",
    [DIRECTORY_READ_ALL],
  ],
  ['ad app owner list --id {app} --query [].displayName', ['administrator']],
  ['ad app list --display-name app1 --query length(@)', 1],
  [`role assignment create --assignee {app} --role Reader --scope ${group} --query principalType`, 'ServicePrincipal'],
  ['ad app delete --id {app}'],
  [
    'keyvault create -g rg1 -n az-check-vault -l westeurope --enable-rbac-authorization true --query properties.provisioningState',
    'Succeeded',
  ],
  [['keyvault secret set', ...vault, '--value v1 --query value'], 'v1'],
  [['keyvault secret show', ...vault, '--query value'], 'v1'],
  [['keyvault secret list-versions', ...vault, '--query length(@)'], 1],
  [['keyvault secret delete', ...vault]],
  ['keyvault secret list-deleted --vault-name az-check-vault --query [].name', ['s1']],
  [['keyvault secret recover', ...vault, '--query name'], 's1'],
  ['keyvault list --query [].name', ['az-check-vault', 'sentry-vault']],
  ['keyvault delete -n az-check-vault'],
  ['keyvault list-deleted --query [].name', ['az-check-vault']],
  ['keyvault recover -n az-check-vault --query name', 'az-check-vault'],
  ['keyvault delete -n az-check-vault'],
  ['keyvault purge -n az-check-vault'],
  [
    [
      'vm create -g rg1 -n vm1 -l westeurope --image Ubuntu2204 --size Standard_D2s_v3 --admin-username u',
      `--assign-identity ${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id1`,
      '--query powerState --ssh-key-values',
      'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHJlaGVhcnNhbC1yZWhlYXJzYWwtcmVoZWFyc2FsLTAw rehearsal',
    ],
    'VM running',
  ],
  ['vm show -g rg1 -n vm1 -d --query powerState', 'VM running'],
  ['vm run-command invoke -g rg1 -n vm1 --command-id RunShellScript --scripts hostname --query length(value)', 1],
  ['vm delete -g rg1 -n vm1 --yes'],
  [
    [
      'rest --method post --url {url}/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01 --query totalRecords --body',
      `{"query":"resourcecontainers | where type =~ 'microsoft.resources/subscriptions' | project name"}`,
    ],
    6,
  ],
  ['provider show -n Microsoft.Network --query registrationState', 'Registered'],
  ['group delete -n rg1 --yes'],
  ['group exists -n rg1', false],
  ['login --identity --query [0].user.type', 'servicePrincipal'],
];

async function check() {
  const state = mkdtempSync(join(tmpdir(), 'az-check-'));
  const tenant = join(state, 'tenant.json');
  writeFileSync(tenant, JSON.stringify(instantTenant()));
  const server = spawn(
    process.execPath,
    [
      join(root, 'dist/local/azure/main.js'),
      '--state',
      state,
      '--port',
      '0',
      '--subscriptions',
      '2',
      '--tenant',
      tenant,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const failures = [];
  try {
    await Promise.race([
      once(server.stdout, 'data'),
      once(server, 'exit').then(() => {
        throw new Error('The simulated Azure did not start.');
      }),
    ]);
    const simulator = await runningSimulator(state);
    if (simulator.missing !== undefined) throw new Error(simulator.missing);
    const cli = await prepareCli(simulator);
    const answers = { url: simulator.url };
    for (const command of commands) {
      failures.push(...(await runOne(cli, command, answers)));
    }
    cli.close();
  } finally {
    if (server.exitCode === null) {
      server.kill();
      await once(server, 'exit');
    }
    rmSync(state, { recursive: true, force: true });
  }
  console.log(`${commands.length - 1 - failures.length} Azure CLI commands passed, ${failures.length} failed`);
  process.exitCode = failures.length > 0 ? 1 : 0;
}

/** What was wrong: nothing, or one line. */
async function runOne(cli, [command, wanted, name], answers) {
  // A key and a body are one argument each, though they have spaces.
  const parts = [command].flat().flatMap((part) => (/^(ssh-|\{")/.test(part) ? [part] : part.split(' ')));
  const args = parts.map((part) => part.replace(/\{(\w+)\}/g, (_, known) => answers[known] ?? `{${known}}`));
  const text = args.join(' ');
  const { status, stdout, stderr } = await cli.run([...args, '--output', 'json']);
  const answer = parsed(stdout);
  if (name !== undefined) answers[name] = answer;
  const fits =
    wanted === undefined ||
    (wanted instanceof RegExp ? wanted.test(String(answer)) : JSON.stringify(answer) === JSON.stringify(wanted));
  if (status === 0 && fits) {
    console.log(`ok      az ${text}`);
    return [];
  }
  const said = status === 0 ? `answered ${stdout.trim()} and not ${String(wanted)}` : errorIn(stderr);
  console.log(`FAILED  az ${text}\n        ${said}`);
  return [text];
}

const errorIn = (stderr) => stderr.split('\n').find((line) => line.startsWith('ERROR')) ?? stderr.trim();

function parsed(stdout) {
  try {
    return JSON.parse(stdout);
  } catch {
    return undefined;
  }
}

/** The sample tenant with nothing taking time: the CLI does not wait for the directory to replicate. */
function instantTenant() {
  const { readTenant } = createRequire(import.meta.url)(join(root, 'dist/local/azure/tenant.js'));
  const sample = readTenant(join(root, 'samples/tenant.json'));
  return { ...sample, timings: Object.fromEntries(Object.keys(sample.timings).map((name) => [name, 0])) };
}

function skip(reason) {
  const bar = '!'.repeat(78);
  console.log(
    [
      bar,
      `SKIPPED: the Azure CLI was NOT run against the simulated Azure, because ${reason}.`,
      'Install it (https://learn.microsoft.com/cli/azure/install-azure-cli), then: npm run check:az',
      bar,
    ].join('\n'),
  );
}

const why = missingCli();
if (why === undefined) await check();
else skip(why);

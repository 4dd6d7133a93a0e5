/** `runAzureConfigCLI.sh`: the set-up script of the appliance, as the install guide describes its questions. */
import { armResource, graphResource, keyOf, tenantOf, type Azure, type Vm } from './azure';
import type { Collector, Store } from './store';
import { getsOut } from './wayOut';

/** Run as root: `sudo` at a terminal, the agent without. */
export const setupScript = '/opt/cloudknox/sentrysoftwareservice/bin/runAzureConfigCLI.sh';

/** Whom the script talks to: a person at a terminal, or lines that stand ready on its input. */
export interface Talker {
  write(text: string): void;
  /** One line of input, without its end. Throws `Interrupted` where none will come. */
  ask(prompt: string): Promise<string>;
  /** As `ask`, and what is typed is not shown. */
  askSecret(prompt: string): Promise<string>;
  /** Throws `Interrupted` where nobody is there any more: nothing may be decided. */
  insist(): void;
}

/** The VM that the script runs on, and what it finds there. */
export interface Machine {
  readonly azure: Azure;
  readonly store: Store;
  readonly vm: Vm;
  /** The address that the session came to. */
  readonly address: string;
  /** One more question, which no guide tells of. */
  readonly extraPrompt: string | undefined;
  /** How long a connection lasts that Azure's network drops, at most. */
  readonly dropSeconds: number;
}

const maxSubscriptions = 50;

/** The script cannot go on. The message is its last words. */
class Failure extends Error {}

/** Whose tokens to collect with. */
interface Tokens {
  readonly arm: string;
  readonly graph: string;
}

/** Runs the script and gives its exit status. Throws `Interrupted` when the session ends before it does. */
export async function runSetup(terminal: Talker, machine: Machine): Promise<number> {
  try {
    await configure(terminal, machine);
    return 0;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    terminal.write(`${error.message}\n`);
    return 1;
  }
}

async function configure(terminal: Talker, machine: Machine): Promise<void> {
  const { azure, store, vm, extraPrompt } = machine;
  const again = 'This Sentry is already configured. Configure it again? (Y/N): ';
  if (store.isConfigured(keyOf(vm)) && !(await agrees(terminal, again))) {
    terminal.write('Configuration complete. Nothing was changed.\n');
    return;
  }
  if (extraPrompt !== undefined) await terminal.ask(extraPrompt);
  const collector = await register(terminal, machine);
  const tokens = await signIn(terminal, machine);

  terminal.write('Verifying access to Microsoft Graph ... ');
  const verified = await azure.canReadDirectory(tokens.graph);
  terminal.write(verified ? 'ok\n' : 'failed\n');
  if (!verified) throw new Failure('Configuration failed: Microsoft Graph cannot be read with this identity.');

  const wanted = await count(terminal);
  const added = await azure.subscriptions(tokens.arm, wanted);
  terminal.insist();
  store.configure(keyOf(vm), collector, added.length);
  await azure.collects(vm.id, added.length);
  terminal.write(`Added ${added.length} of ${wanted} subscriptions.\nConfiguration complete.\n`);
}

async function agrees(terminal: Talker, question: string): Promise<boolean> {
  for (;;) {
    const answer = (await terminal.ask(question)).trim().toUpperCase();
    if (answer === 'Y' || answer === 'N') return answer === 'Y';
  }
}

async function register(terminal: Talker, { store, vm, address }: Machine): Promise<Collector> {
  const email = (await terminal.ask('Email address shown by the CloudKnox console: ')).trim();
  const pin = (await terminal.askSecret('PIN: ')).trim();
  const addresses = [address, vm.privateIp, vm.publicIp].filter((known) => typeof known === 'string');
  const collector = store.proven(addresses, email, pin);
  if (collector === undefined) throw new Failure('The PIN does not match the email address, or has expired.');
  return collector;
}

async function signIn(terminal: Talker, { azure, vm }: Machine): Promise<Tokens> {
  if (!(await getsOut(azure, vm, azure.origin))) throw new Failure('Configuration failed: Azure AD does not answer.');
  const tenant = (await terminal.ask('Azure AD tenant name or tenantID: ')).trim();
  const tenantId = tenant === '' ? undefined : await azure.tenantId(tenant);
  if (tenantId === undefined) throw new Failure(`Configuration failed: the tenant ${tenant} was not found.`);

  const asApplication = await agrees(terminal, 'Configure ClientID and Secret (Y/N): ');
  const token = asApplication ? await askApplication(terminal, azure, tenantId) : managedIdentity(azure, vm);
  const tokens = { arm: await token(armResource), graph: await token(graphResource) };
  if (tenantOf(tokens.arm) !== tenantId.toLowerCase()) {
    throw new Failure(`Configuration failed: the identity does not belong to the tenant ${tenant}.`);
  }
  return tokens;
}

type TokenSource = (resource: string) => Promise<string>;

async function askApplication(terminal: Talker, azure: Azure, tenantId: string): Promise<TokenSource> {
  const clientId = (await terminal.ask('Azure application client ID: ')).trim();
  const secret = (await terminal.askSecret('Azure application password: ')).trim();
  return async (resource) => {
    const token = await azure.clientToken(tenantId, clientId, secret, resource);
    if (token === undefined) throw new Failure('Configuration failed: Azure AD refused the client ID or the password.');
    return token;
  };
}

function managedIdentity(azure: Azure, { id }: Vm): TokenSource {
  return async (resource) => {
    const token = await azure.vmToken(id, resource);
    if (token === undefined) throw new Failure('Configuration failed: this virtual machine has no managed identity.');
    return token;
  };
}

async function count(terminal: Talker): Promise<number> {
  for (;;) {
    const answer = (await terminal.ask(`Enter number of subs to add (0-${maxSubscriptions}): `)).trim();
    if (/^\d{1,2}$/.test(answer) && Number(answer) <= maxSubscriptions) return Number(answer);
  }
}

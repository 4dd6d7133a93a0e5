/** The SSH server of one appliance: public keys only, and a shell that knows the set-up script and a few programs. */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Server, utils, type AuthContext, type Session } from 'ssh2';
import { keyOf } from './azure';
import { authorizedKeys } from './authorizedKeys';
import { runScript } from './shell/run';
import { runSetup, setupScript, type Machine } from './setupScript';
import { Interrupted, Terminal } from './terminal';

/** Serves one connection that has come through to the VM. */
export function serveSsh(stream: Duplex, hostKey: string, machine: Machine): void {
  const server = new Server({ hostKeys: [hostKey] }, (client) => {
    client.on('authentication', (context) => {
      if (accepts(machine, context)) context.accept();
      else context.reject(['publickey']);
    });
    client.on('session', (accept) => serveSession(accept(), machine));
    // A connection that breaks off is the client's affair.
    client.on('error', () => undefined);
  });
  // Its type asks for a socket; all that the server uses of one is the stream, and `setNoDelay` if there is such a thing.
  server.injectSocket(stream as Socket);
}

/** Without a signature the client only asks whether the key would do. */
function accepts(machine: Machine, context: AuthContext): boolean {
  if (context.method !== 'publickey' || context.username !== machine.vm.adminUsername) return false;
  const { key, signature, blob, hashAlgo } = context;
  return keysOf(machine).some((text) => {
    const known = utils.parseKey(text);
    if (known instanceof Error || !known.getPublicSSH().equals(key.data)) return false;
    return signature === undefined || (blob !== undefined && known.verify(blob, signature, hashAlgo) === true);
  });
}

/** At its first boot Azure's agent writes the keys of the VM's first PUT; from then on the file is the machine's own. */
const keysOf = ({ store, vm }: Machine): readonly string[] => store.authorized(keyOf(vm)) ?? vm.sshPublicKeys;

function serveSession(session: Session, machine: Machine): void {
  let hasPty = false;
  session.on('pty', (accept: (() => void) | undefined) => {
    hasPty = true;
    accept?.();
  });
  session.on('exec', (accept, _reject, { command }) => {
    const terminal = new Terminal(accept(), hasPty);
    void untilInterrupted(terminal, () => runCommand(command, terminal, machine));
  });
  session.on('shell', (accept) => {
    const terminal = new Terminal(accept(), hasPty);
    void untilInterrupted(terminal, () => runShell(terminal, machine));
  });
}

/** Ends the session with the status that `run` gives; a crash ends it too, as a crashed script would. */
async function untilInterrupted(terminal: Terminal, run: () => Promise<number>): Promise<void> {
  try {
    terminal.exit(await run());
  } catch (error) {
    if (error instanceof Interrupted) return;
    terminal.write(`Configuration failed: ${error instanceof Error ? error.message : String(error)}\n`);
    terminal.exit(1);
  }
}

async function runShell(terminal: Terminal, machine: Machine): Promise<number> {
  let status = 0;
  for (;;) {
    const command = (await terminal.ask(`[${machine.vm.adminUsername}@${machine.vm.name} ~]$ `)).trim();
    if (command === 'exit') return status;
    if (command !== '') status = await runCommand(command, terminal, machine);
  }
}

async function runCommand(line: string, terminal: Terminal, machine: Machine): Promise<number> {
  const command = line.trim();
  if (command === `sudo ${setupScript}`) {
    if (terminal.hasPty) return runSetup(terminal, machine);
    terminal.write('sudo: sorry, you must have a tty to run sudo\n');
    return 1;
  }
  const change = authorizedKeys(command, keysOf(machine));
  if (change === undefined) return runScript(command, machine, (text) => terminal.write(text));
  if (change.keys !== undefined) machine.store.authorize(keyOf(machine.vm), change.keys);
  terminal.write(change.output);
  return 0;
}

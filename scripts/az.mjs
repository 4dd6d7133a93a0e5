/**
 * `npm run az -- <args>`: a person's own Azure CLI against the simulated Azure, which `npm run azure` or `npm start`
 * runs. It keeps its settings in the state folder, never in ~/.azure, and signs in as the tenant's administrator.
 *
 *   SIMULATED_AZURE=<state folder>   where the simulator keeps its state (default .local/azure)
 *   AZ=<command>                     another az than the one on PATH
 */
import { Buffer } from 'node:buffer';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { request } from 'node:https';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Discovery can be switched off since this version: before it, MSAL asks Microsoft whether the authority is real. */
const OLDEST = [2, 74];
const CLOUD = 'SimulatedAzure';
const SYSTEM_CERTIFICATES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/cert.pem',
];

/** Says why there is no usable CLI; undefined when there is one. */
export function missingCli(az = process.env['AZ'] ?? 'az') {
  const { status, stdout, error } = spawnSync(az, ['version', '--output', 'json'], {
    encoding: 'utf8',
    shell: isWindows,
  });
  if (error !== undefined || status !== 0) return `there is no working '${az}' on PATH`;
  const version = /"azure-cli": "(\d+)\.(\d+)/.exec(stdout);
  const [have, minor] = [Number(version?.[1]), Number(version?.[2])];
  if (have > OLDEST[0] || (have === OLDEST[0] && minor >= OLDEST[1])) return undefined;
  return `'${az}' is version ${have}.${minor}, and ${OLDEST.join('.')} or later is needed`;
}

const isWindows = process.platform === 'win32';

/** What the simulator wrote about itself, or why it is not there. */
export async function runningSimulator(state = process.env['SIMULATED_AZURE'] ?? '.local/azure') {
  const folder = resolve(state);
  const file = join(folder, 'environment.json');
  if (!existsSync(file))
    return { missing: `${file} is not there: start the simulated Azure with 'npm start' or 'npm run azure'` };
  const environment = JSON.parse(readFileSync(file, 'utf8'));
  const simulator = {
    folder,
    url: environment.ARM_ENDPOINT,
    tenantId: environment.AZURE_TENANT_ID,
    authority: environment.NODE_EXTRA_CA_CERTS,
    identity: { IDENTITY_ENDPOINT: environment.IDENTITY_ENDPOINT, IDENTITY_HEADER: environment.IDENTITY_HEADER },
  };
  try {
    await ask(simulator, 'GET', '/_simulator/health');
    return simulator;
  } catch (error) {
    return { missing: `the simulated Azure does not answer at ${simulator.url} (${error.message}): start it again` };
  }
}

/** A request of the simulator's own API. */
export async function ask({ url, authority }, method, path, body) {
  const text = body === undefined ? '' : JSON.stringify(body);
  return await new Promise((done, fail) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
    const sent = request(`${url}${path}`, { method, ca: readFileSync(authority), headers, timeout: 10_000 });
    sent.on('error', fail);
    sent.on('timeout', () => sent.destroy(new Error('no answer in 10 seconds')));
    sent.on('response', (response) => {
      let answer = '';
      response.setEncoding('utf8').on('data', (part) => (answer += part));
      response.on('error', fail);
      response.on('end', () =>
        response.statusCode < 300 ? done(JSON.parse(answer)) : fail(new Error(`${response.statusCode} ${answer}`)),
      );
    });
    sent.end(text);
  });
}

/**
 * A proxy that only opens tunnels, and only to this machine: the name of a vault (`NAME.vault.localhost`) needs no
 * entry in the hosts file then, and nothing that the CLI does can leave the machine.
 */
async function openTunnels() {
  const server = createServer((_, response) => response.writeHead(403).end());
  server.on('connect', (incoming, socket, head) => {
    const [, host = '', port = '443'] = /^(.*):(\d+)$/.exec(incoming.url ?? '') ?? [];
    if (!/(^|\.)localhost$|^127\.0\.0\.1$/.test(host)) {
      socket.end('HTTP/1.1 403 Only the simulated Azure can be reached\r\n\r\n');
      return;
    }
    const upstream = connect(Number(port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.write(head);
      upstream.pipe(socket).pipe(upstream);
    });
    for (const [one, other] of [
      [upstream, socket],
      [socket, upstream],
    ])
      one.on('error', () => other.destroy());
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return server;
}

/** Registers the cloud and signs in, once for each start of the simulator on another port or with another tenant. */
export async function prepareCli(simulator, az = process.env['AZ'] ?? 'az') {
  const config = join(simulator.folder, 'az');
  mkdirSync(config, { recursive: true, mode: 0o700 });
  const proxy = await openTunnels();
  const { port } = proxy.address();
  const env = { ...process.env, ...settingsOf(simulator, config, port) };
  for (const name of ['NO_PROXY', 'no_proxy', 'PYTHONWARNINGS']) delete env[name];
  const run = async (args) =>
    await new Promise((done, fail) => {
      const child = spawn(az, args, { env, shell: isWindows, stdio: ['ignore', 'pipe', 'pipe'] });
      let [stdout, stderr] = ['', ''];
      child.stdout.setEncoding('utf8').on('data', (part) => (stdout += part));
      child.stderr.setEncoding('utf8').on('data', (part) => (stderr += part));
      child.on('error', fail);
      child.on('close', (status) => done({ status, stdout, stderr }));
    });
  const cli = { az, env, run, close: () => proxy.close() };
  const stamp = join(config, 'signed-in');
  const wanted = `${simulator.url} ${simulator.tenantId}`;
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted || (await run(['account', 'show'])).status !== 0) {
    try {
      await signIn(cli, simulator);
    } catch (error) {
      proxy.close();
      throw error;
    }
    writeFileSync(stamp, wanted);
  }
  return cli;
}

async function signIn({ run }, simulator) {
  const must = async (args, shownArgs = args) => {
    const { status, stderr } = await run(args);
    if (status !== 0) throw new Error(`'az ${shownArgs.join(' ')}' failed: ${stderr.trim()}`);
  };
  await run(['cloud', 'set', '--name', 'AzureCloud']);
  await run(['cloud', 'unregister', '--name', CLOUD]);
  await must(['cloud', 'register', '--name', CLOUD, '--endpoint-resource-manager', `${simulator.url}/`]);
  await must(['cloud', 'set', '--name', CLOUD]);
  const { clientId, clientSecret, tenantId } = await ask(simulator, 'POST', '/_simulator/secret', {
    principal: 'administrator',
  });
  const login = ['login', '--service-principal', '--username', clientId, '--tenant', tenantId];
  await must([...login, '--password', clientSecret], [...login, '--password', '***']);
}

/** https://learn.microsoft.com/cli/azure/azure-cli-configuration */
function settingsOf({ authority, folder, identity }, config, port) {
  const system = SYSTEM_CERTIFICATES.find((file) => existsSync(file));
  const bundle = join(folder, 'az', 'certificates.pem');
  writeFileSync(
    bundle,
    [...(system === undefined ? [] : [readFileSync(system, 'utf8')]), readFileSync(authority, 'utf8')].join('\n'),
  );
  const proxy = `http://127.0.0.1:${port}`;
  return {
    // `az login --identity` is the app's own managed identity.
    ...identity,
    AZURE_CONFIG_DIR: config,
    REQUESTS_CA_BUNDLE: bundle,
    SSL_CERT_FILE: bundle,
    HTTPS_PROXY: proxy,
    HTTP_PROXY: proxy,
    https_proxy: proxy,
    http_proxy: proxy,
    AZURE_CORE_INSTANCE_DISCOVERY: 'false',
    AZURE_CORE_COLLECT_TELEMETRY: 'false',
    AZURE_CORE_NO_COLOR: 'true',
    AZURE_EXTENSION_USE_DYNAMIC_INSTALL: 'no',
  };
}

async function main(args) {
  const why = missingCli();
  if (why !== undefined)
    throw new Error(`${why}. Install the Azure CLI: https://learn.microsoft.com/cli/azure/install-azure-cli`);
  const simulator = await runningSimulator();
  if (simulator.missing !== undefined) throw new Error(simulator.missing);
  const { az, env, close } = await prepareCli(simulator);
  const child = spawn(az, args, { env, shell: isWindows, stdio: 'inherit' });
  process.exitCode = await new Promise((done) => {
    child.on('error', () => done(1));
    child.on('close', (status) => done(status ?? 1));
  });
  close();
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  main(process.argv.slice(2)).catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}

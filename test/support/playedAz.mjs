/**
 * Stands for the Azure CLI where a test runs the lines that a person is told to paste: the arguments as bash makes
 * them of those lines become the calls that the CLI makes of them. It knows no others, and takes nothing that is odd.
 *
 *   GRAPH_URL, GRAPH_TOKEN   the simulated Graph, and who asks it
 *   TENANT_ID                the one tenant that may be signed in to
 */
import { argv, env, exit, stderr, stdout } from 'node:process';

const fail = (why) => {
  stderr.write(`${why}\n`);
  exit(1);
};

async function ask(method, url, body) {
  const headers = { authorization: `Bearer ${env.GRAPH_TOKEN}`, 'content-type': 'application/json' };
  const answer = await globalThis.fetch(url, { method, headers, body });
  const text = await answer.text();
  return answer.ok ? JSON.parse(text) : fail(`${method} ${url} answered ${answer.status}: ${text}`);
}

const commands = {
  'login --tenant': ([tenant]) => tenant === env.TENANT_ID || fail(`There is no tenant '${tenant}'.`),
  'ad sp show --id': async ([appId, ...rest]) => {
    if (rest.join(' ') !== '--query id --output tsv') fail(`What is ${rest.join(' ')}?`);
    const { id } = await ask('GET', `${env.GRAPH_URL}/v1.0/servicePrincipals(appId='${appId}')`);
    stdout.write(`${id}\n`);
  },
  'rest --method POST --url': ([url, flag, body, ...rest]) =>
    flag === '--body' && rest.length === 0
      ? ask('POST', url, JSON.stringify(JSON.parse(body)))
      : fail(`What is ${flag}?`),
};

const given = argv.slice(2);
const known = Object.keys(commands).find((name) => `${given.join(' ')} `.startsWith(`${name} `));
if (known === undefined) fail(`az ${given.join(' ')} is not known here.`);
await commands[known](given.slice(known.split(' ').length));

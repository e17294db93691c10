// Runs inside a pod: asks one backend again and again and writes one line of JSON per answer. Of the workers, some send each request
// on a connection of its own, the others keep theirs for a while.
// node -e <this> BACKEND PORT WORKERS KEEPERS
const http = require('node:http');

const [backend, port, workers, keepers] = process.argv.slice(1);
const requests = ['/always', '/a', '/b', '/never'].flatMap((path) =>
  ['GET', 'POST'].map((method) => ({ method, path })),
);
const connectMs = 2_500;
/** Who is connected is answered, but on a busy machine not soon. */
const responseMs = 10_000;
const pauseMs = 40;
const keptMs = 3_000;
const textMax = 200;
const now = () => performance.timeOrigin + performance.now();

/**
 * @param {{ method: string, path: string }} request @param {object | undefined} agent
 * @returns {Promise<{ outcome: string, opened?: number }>}
 */
function ask({ method, path }, agent) {
  return new Promise((resolve) => {
    let opened;
    const end = (outcome) => resolve({ outcome, opened });
    const sent = http.request(
      { host: backend, port, method, path, agent: agent ?? false, timeout: connectMs },
      (response) => {
        const ofBackend =
          response.headers['x-powered-by'] === 'tinyhttp' || /^text\/html/.test(response.headers['content-type'] ?? '');
        let text = '';
        response.on('data', (bytes) => {
          if (text.length < textMax) text += bytes;
        });
        response.once('close', () => end(ofBackend ? 'passed' : `${response.statusCode} ${text.trim()}`));
      },
    );
    sent.once('socket', (socket) => {
      socket.openedMs ??= now();
      opened = socket.openedMs;
      if (socket.connecting) socket.once('connect', () => sent.setTimeout(responseMs));
      else sent.setTimeout(responseMs);
    });
    sent.once('timeout', () => sent.destroy(new Error('timeout')));
    sent.once('error', (error) => end(/** @type {NodeJS.ErrnoException} */ (error).code ?? error.message));
    sent.end();
  });
}

async function work(at, keeps) {
  let agent = keeps ? new http.Agent({ keepAlive: true, maxSockets: 1 }) : undefined;
  for (let turn = at; ; turn++) {
    const request = requests[turn % requests.length];
    const from = now();
    const answer = await ask(request, agent);
    const to = now();
    process.stdout.write(`${JSON.stringify({ ...request, from, to, ...answer })}\n`);
    if (agent && answer.opened !== undefined && to - answer.opened > keptMs) {
      agent.destroy();
      agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

for (let at = 0; at < Number(workers); at++) void work(at, false);
for (let at = 0; at < Number(keepers); at++) void work(at, true);
process.stdin.resume();
process.stdin.once('end', () => process.exit());

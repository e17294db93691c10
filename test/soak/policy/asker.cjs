// Runs inside a pod: asks one backend again and again, each request on a connection of its own, and writes one line of JSON per answer.
// node -e <this> BACKEND PORT WORKERS
const http = require('node:http');

const [backend, port, workers] = process.argv.slice(1);
const requests = ['/always', '/a', '/b', '/never'].flatMap((path) =>
  ['GET', 'POST'].map((method) => ({ method, path })),
);
const connectMs = 2_500;
const pauseMs = 40;
const now = () => performance.timeOrigin + performance.now();

/** @param {{ method: string, path: string }} request @returns {Promise<string>} */
function ask({ method, path }) {
  return new Promise((resolve) => {
    const sent = http.request({ host: backend, port, method, path, agent: false, timeout: connectMs }, (response) => {
      const fromEcho = response.headers['x-powered-by'] === 'tinyhttp';
      response.resume();
      response.once('close', () => resolve(fromEcho ? 'passed' : String(response.statusCode)));
    });
    sent.once('timeout', () => sent.destroy(new Error('timeout')));
    sent.once('error', (error) => resolve(/** @type {NodeJS.ErrnoException} */ (error).code ?? error.message));
    sent.end();
  });
}

async function work(at) {
  for (let turn = at; ; turn++) {
    const request = requests[turn % requests.length];
    const from = now();
    const outcome = await ask(request);
    process.stdout.write(`${JSON.stringify({ ...request, from, to: now(), outcome })}\n`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

for (let at = 0; at < Number(workers); at++) void work(at);
process.stdin.resume();
process.stdin.once('end', () => process.exit());

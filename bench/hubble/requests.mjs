// Asks a URL so many times a second, whatever the answers take, and puts the time of asking into each URL. Runs in a pod.
import http from 'node:http';

const [url, rate, seconds] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
const total = Number(rate) * Number(seconds);
const startedAt = performance.now();
let asked = 0;
let answered = 0;
let failed = 0;

function done(ok) {
  if (ok) answered++;
  else failed++;
  if (answered + failed === total) {
    console.log(JSON.stringify({ answered, failed, seconds: (performance.now() - startedAt) / 1000 }));
    process.exit(0);
  }
}

function ask() {
  const at = (performance.timeOrigin + performance.now()).toFixed(3);
  const request = http.get(`${url}?at=${at}`, { agent, timeout: 10_000 }, (response) => {
    response.resume();
    response.on('end', () => done(response.statusCode === 200));
  });
  request.on('timeout', () => request.destroy(new Error('timeout')));
  request.on('error', () => done(false));
}

setInterval(() => {
  const due = Math.min(total, Math.floor(((performance.now() - startedAt) / 1000) * Number(rate)));
  for (; asked < due; asked++) ask();
}, 2);

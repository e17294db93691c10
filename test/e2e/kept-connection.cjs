// Runs inside a pod: asks again and again on one connection and prints each outcome that is another than the one before: a status, `silent`
// after a second without an answer, `closed`.
// node -e <this> HOST PORT PATH
const net = require('node:net');

const [host, port, path] = process.argv.slice(1);
const silentMs = 1_000;
const pauseMs = 50;
let last = '';
let waiting;

/** @param {string} outcome */
function say(outcome) {
  if (outcome !== last) process.stdout.write(`${outcome}\n`);
  last = outcome;
}

function ask() {
  socket.write(`GET ${path} HTTP/1.1\r\nhost: ${host}:${port}\r\n\r\n`);
  waiting = setTimeout(say, silentMs, 'silent');
}

const socket = net.connect({ host, port: Number(port) });
socket.setEncoding('latin1');
let text = '';
socket.on('data', (/** @type {string} */ bytes) => {
  text += bytes;
  const [, status, length] = /^HTTP\/1\.1 (\d+)[\s\S]*?\r\ncontent-length: (\d+)\r\n/i.exec(text) ?? [];
  const head = text.indexOf('\r\n\r\n') + 4;
  if (!status || head < 4 || text.length < head + Number(length)) return;
  clearTimeout(waiting);
  text = text.slice(head + Number(length));
  say(status);
  setTimeout(ask, pauseMs);
});
socket.on('error', () => undefined);
socket.on('close', () => {
  clearTimeout(waiting);
  say('closed');
});
socket.once('connect', ask);

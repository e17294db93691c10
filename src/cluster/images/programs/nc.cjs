// nc [-z] [-v] [-w SECONDS] HOST PORT: connects, and without -z copies standard input and output.
const { connect } = require('node:net');

const words = process.argv.slice(2);
const flags = { scan: false, verbose: false, seconds: 0 };
const places = [];
for (let word = words.shift(); word !== undefined; word = words.shift()) {
  if (!/^-[a-zA-Z0-9]+$/.test(word)) {
    places.push(word);
    continue;
  }
  for (const letter of word.slice(1)) {
    if (letter === 'z') flags.scan = true;
    else if (letter === 'v') flags.verbose = true;
    else if (letter === 'w') flags.seconds = Number(words.shift());
    else if (letter !== 'n' && letter !== '4') stop(`nc: unknown option -${letter}; known: -z -v -w SECONDS -n -4`);
  }
}
const [host, port] = places;
if (!host || !/^\d+$/.test(port ?? '') || Number.isNaN(flags.seconds))
  stop('usage: nc [-z] [-v] [-w SECONDS] HOST PORT');

const socket = connect({ host, port: Number(port) });
if (flags.seconds > 0) socket.setTimeout(flags.seconds * 1000, () => stop(`nc: ${host} ${port}: timed out`));
socket.on('error', (error) => stop(`nc: ${host} ${port}: ${error.message}`));
socket.on('connect', () => {
  if (flags.verbose) console.error(`Connection to ${host} ${port} port succeeded!`);
  if (flags.scan) process.exit(0);
  process.stdin.pipe(socket);
  socket.pipe(process.stdout);
});
socket.on('close', () => process.exit(0));

/** @param {string} text */
function stop(text) {
  console.error(text);
  process.exit(1);
}

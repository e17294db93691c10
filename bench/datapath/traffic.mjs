// Traffic between two pods, each end in the namespace that it was started in:
// `serve PORT` drops what streams bring and answers round trips; `stream ADDRESS PORT MS` prints bytes a second; `turns ADDRESS PORT MS` prints round trips a second.
import net from 'node:net';

const [mode, ...words] = process.argv.slice(2);
const CONNECTIONS = 16;
const PIECE = Buffer.alloc(65_536, 's');
const TURN = Buffer.from('t');

/** The first byte says what a connection is for. */
function serve(port) {
  const server = net.createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      if (bytes[0] === TURN[0]) socket.write(bytes);
    });
  });
  server.listen(port, () => console.log('ready'));
}

function stream(address, port, milliseconds) {
  const socket = net.connect(port, address);
  const push = () => {
    while (socket.write(PIECE));
  };
  socket.on('drain', push);
  socket.on('connect', () => {
    const startedAt = performance.now();
    push();
    setTimeout(() => {
      const sent = socket.bytesWritten - socket.writableLength;
      console.log((sent * 1000) / (performance.now() - startedAt));
      process.exit();
    }, milliseconds);
  });
}

function turns(address, port, milliseconds) {
  let done = 0;
  for (let at = 0; at < CONNECTIONS; at++) {
    const socket = net.connect({ port, host: address, noDelay: true }, () => socket.write(TURN));
    socket.on('data', () => {
      done++;
      socket.write(TURN);
    });
  }
  const startedAt = performance.now();
  setTimeout(() => {
    console.log((done * 1000) / (performance.now() - startedAt));
    process.exit();
  }, milliseconds);
}

const [address, port, milliseconds] = words;
if (mode === 'serve') serve(Number(address));
else if (mode === 'stream') stream(address, Number(port), Number(milliseconds));
else turns(address, Number(port), Number(milliseconds));

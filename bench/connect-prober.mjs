// Runs inside a pod: connects to each target every few milliseconds and prints, per attempt, when it started and whether it came about.
import net from 'node:net';

const [port, ...targets] = process.argv.slice(2);
const intervalMs = 4;
const limitMs = 200;

function attempt(target) {
  const startedAt = Date.now();
  const socket = net.connect({ host: target, port: Number(port) });
  const finish = (connected) => {
    clearTimeout(timer);
    socket.destroy();
    console.log(JSON.stringify({ target, startedAt, connected }));
  };
  const timer = setTimeout(() => finish(false), limitMs);
  socket.once('connect', () => finish(true));
  socket.once('error', () => finish(false));
}

setInterval(() => targets.forEach(attempt), intervalMs);

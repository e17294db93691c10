import { writeSync } from 'node:fs';
import net from 'node:net';
net.createServer((s) => s.end('hello\n')).listen({ fd: 3 });
writeSync(5, 'ready\n');

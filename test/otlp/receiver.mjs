// Takes OTLP over HTTP and prints each request as a line: its path and its body in base64. Runs in a pod.
import http from 'node:http';

const server = http.createServer((request, response) => {
  const pieces = [];
  request.on('data', (piece) => pieces.push(piece));
  request.on('end', () => {
    console.log(JSON.stringify({ path: request.url, body: Buffer.concat(pieces).toString('base64') }));
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  });
});
server.listen(4318, '0.0.0.0', () => console.log(JSON.stringify({ path: 'listening', body: '' })));
